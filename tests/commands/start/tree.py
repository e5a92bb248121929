"""A fresh copy of the project's folder, with the packages of these tests instead of newly installed ones."""

import shlex
import shutil
import sys
from pathlib import Path

from tests.installation import PROJECT
from tests.running import warm


def fresh_tree(folder: Path) -> Path:
    """Return a copy of the tree as `git clone` makes it, but compiled, with a complete environment."""
    tree = folder / "keyhouse"
    hidden = shutil.ignore_patterns(".*", "var", "tests")
    shutil.copytree(PROJECT, tree, ignore=hidden)
    _write_python(tree)
    shutil.copy(tree / "requirements.txt", tree / ".venv" / "installed-requirements.txt")
    return tree


def bare_tree(folder: Path) -> Path:
    """Return the same without the folders: what `./run` needs before it calls Keyhouse."""
    tree = folder / "keyhouse"
    tree.mkdir()
    for path in PROJECT.iterdir():
        if path.is_file() and not path.name.startswith("."):
            shutil.copy(path, tree)
    _write_python(tree)
    shutil.copy(tree / "requirements.txt", tree / ".venv" / "installed-requirements.txt")
    return tree


def warm_tree(folder: Path) -> Path:
    """Return the same, where each command is a fork of a process that has imported its libraries."""
    tree = fresh_tree(folder)
    command = shlex.join(warm.manage_py(tree))
    _write_python(tree, f'if [ "$1" = manage.py ]; then shift; exec {command} "$@"; fi')
    return tree


def _write_python(tree: Path, *first: str) -> None:
    python = tree / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True, exist_ok=True)
    python.write_text("\n".join(["#!/bin/sh", *first, f'exec "{sys.executable}" "$@"', ""]))
    python.chmod(0o755)
