"""What the tests in a browser need of the machine: a Chromium, and npm for axe-core."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
AXE = "axe-core@4.14.1"


def find_chromium() -> str | None:
    """The path of a Chromium that the machine has, None if there is none in PATH."""
    return next((found for found in map(shutil.which, NAMES) if found), None)


def axe_source() -> str | None:
    """The text of axe-core's script, kept in the cache folder; None if npm is not there, or cannot get it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "keyhouse"
    script = cache / f"{AXE}.js"
    if not script.exists() and shutil.which("npm"):
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            command = ["npm", "pack", "--silent", "--pack-destination", folder, AXE]
            if subprocess.run(command, cwd=folder, capture_output=True).returncode:
                return None
            shutil.unpack_archive(next(Path(folder).glob("*.tgz")), folder, "gztar")
            shutil.move(Path(folder) / "package" / "axe.min.js", script)
    return script.read_text() if script.exists() else None


def what_is_skipped() -> list[str]:
    """What ./run test says at its end about tests that it could not run."""
    if find_chromium() is None:
        return [f"Skipped: all tests in a browser, since none of {', '.join(NAMES)} is in PATH."]
    if axe_source() is None:
        return ["Skipped: the tests for accessibility, since axe-core is not here and npm cannot get it."]
    return []
