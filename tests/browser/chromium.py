"""What the tests in a browser need of the machine: a Chromium, and npm for axe-core and openid-client."""

import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
AXE = "axe-core@4.14.1"
OPENID_CLIENT = Path(__file__).parent / "openid_client"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "keyhouse"


def find_chromium() -> str | None:
    """The path of a Chromium that the machine has, None if there is none in PATH."""
    return next((found for found in map(shutil.which, NAMES) if found), None)


def axe_source() -> str | None:
    """The text of axe-core's script, kept in the cache folder; None if npm is not there, or cannot get it."""
    script = CACHE / f"{AXE}.js"
    if not script.exists() and shutil.which("npm"):
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            command = ["npm", "pack", "--silent", "--pack-destination", folder, AXE]
            if subprocess.run(command, cwd=folder, capture_output=True).returncode:
                return None
            shutil.unpack_archive(next(Path(folder).glob("*.tgz")), folder, "gztar")
            shutil.move(Path(folder) / "package" / "axe.min.js", script)
    return script.read_text() if script.exists() else None


def openid_client() -> Path | None:
    """The script that uses openid-client, in a cache folder beside what its package-lock.json names.

    None if Node is not there, or npm cannot get it.
    """
    files = sorted(OPENID_CLIENT.iterdir())
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    folder = CACHE / f"openid-client-{digest[:16]}"
    if not folder.exists() and shutil.which("node") and shutil.which("npm"):
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as temporary:
            whole = shutil.copytree(OPENID_CLIENT, Path(temporary) / "whole")
            command = ["npm", "ci", "--silent", "--ignore-scripts"]
            if subprocess.run(command, cwd=whole, capture_output=True).returncode:
                return None
            try:
                whole.rename(folder)
            except OSError:  # the run on the other database was quicker
                if not folder.exists():
                    raise
    return folder / "flow.mjs" if folder.exists() and shutil.which("node") else None


def has_ipv6() -> bool:
    """Whether a program can listen on the machine's loopback interface of IPv6."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def what_is_skipped() -> list[str]:
    """What ./run test says at its end about tests that it could not run."""
    if find_chromium() is None:
        return [f"Skipped: all tests in a browser, since none of {', '.join(NAMES)} is in PATH."]
    reasons = {
        "accessibility, since axe-core is not here and npm cannot get it": axe_source(),
        "openid-client, since Node is not here or npm cannot get it": openid_client(),
        "consent by IPv6, since the machine has none": has_ipv6(),
    }
    return [f"Skipped: the tests of {reason}." for reason, found in reasons.items() if not found]
