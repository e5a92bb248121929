"""What npm installs for tests: folders with a package.json and a package-lock.json, in the cache folder."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "keyhouse"


def installed(folder: Path) -> Path | None:
    """A copy of a folder, in the cache folder, beside what its package-lock.json names.

    None if Node is not there, or npm cannot get it.
    """
    files = sorted(folder.iterdir())
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    copy = CACHE / f"{folder.name}-{digest[:16]}"
    if not copy.exists() and shutil.which("node") and shutil.which("npm"):
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as temporary:
            whole = shutil.copytree(folder, Path(temporary) / "whole")
            command = ["npm", "ci", "--silent", "--ignore-scripts"]
            if subprocess.run(command, cwd=whole, capture_output=True).returncode:
                return None
            try:
                whole.rename(copy)
            except OSError:  # the run on the other database was quicker
                if not copy.exists():
                    raise
    return copy if copy.exists() and shutil.which("node") else None
