"""A fresh copy of the project's folder, with the packages of these tests instead of newly installed ones."""

import shutil
import sys
from pathlib import Path

from tests.installation import PROJECT


def fresh_tree(folder: Path) -> Path:
    """Return a copy of the tree as `git clone` makes it, but compiled, with a complete environment."""
    tree = folder / "keyhouse"
    hidden = shutil.ignore_patterns(".*", "var", "tests")
    shutil.copytree(PROJECT, tree, ignore=hidden)
    python = tree / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    shutil.copy(tree / "requirements.txt", tree / ".venv" / "installed-requirements.txt")
    return tree
