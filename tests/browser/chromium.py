"""What tests need of the machine: a Chromium, keyrings, and npm for axe-core, openid-client and redocly."""

import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from tests import secret_service
from tests.npm import CACHE, installed

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
AXE = "axe-core@4.14.1"
OPENID_CLIENT = Path(__file__).parent / "openid_client"
REDOCLY = Path(__file__).parents[1] / "config" / "wire" / "openapi" / "redocly"


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
    """The script that uses openid-client, beside it. None if Node is not there, or npm cannot get it."""
    folder = installed(OPENID_CLIENT)
    return folder and folder / "flow.mjs"


def has_ipv6() -> bool:
    """Whether a program can listen on the machine's loopback interface of IPv6."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def what_is_skipped() -> list[str]:
    """What ./run test says at its end about tests that it could not run."""
    reasons: dict[str, object] = {
        "redocly, since Node is not here or npm cannot get it": installed(REDOCLY),
        f"keyrings, since {' or '.join(secret_service.PROGRAMS)} is not in PATH": secret_service.is_here(),
    }
    if find_chromium() is None:
        reasons[f"all pages in a browser, since none of {', '.join(NAMES)} is in PATH"] = None
    else:
        reasons |= {
            "accessibility, since axe-core is not here and npm cannot get it": axe_source(),
            "openid-client, since Node is not here or npm cannot get it": openid_client(),
            "consent by IPv6, since the machine has none": has_ipv6(),
        }
    return [f"Skipped: the tests of {reason}." for reason, found in reasons.items() if not found]
