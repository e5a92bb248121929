"""The units of deploy/systemd: what systemd-analyze says of them. test_runs.py starts them."""

import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from config.server.processes import STOP_SECONDS
from config.variables import VARIABLES
from tests.installation import Installation
from tests.packaging.described import SYSTEMD

pytestmark = pytest.mark.once

SERVICE = (SYSTEMD / "keyhouse.service").read_text()
EXPOSURE = 15  # tenths: what systemd-analyze calls "OK" begins at 4.0


def analyze(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run systemd-analyze on copies of the units whose program is on this machine."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed (apt-get install systemd): the units were not tried")
    for path in SYSTEMD.iterdir():
        text = path.read_text().replace("/opt/keyhouse/bin/keyhouse", "/bin/true")
        (folder / path.name).write_text(text)
    return subprocess.run([program, *arguments], cwd=folder, capture_output=True, text=True, timeout=60)


def test_systemd_finds_no_fault_in_the_units(tmp_path: Path) -> None:
    units = [f"./{path.name}" for path in SYSTEMD.iterdir() if path.suffix != ".env"]
    done = analyze(tmp_path, "verify", *units)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_server_is_hardly_exposed(tmp_path: Path) -> None:
    done = analyze(tmp_path, "security", "--offline=true", f"--threshold={EXPOSURE}", "./keyhouse.service")
    assert done.returncode == 0, done.stdout


def test_the_units_give_the_server_time_to_stop() -> None:
    match = re.search(r"^TimeoutStopSec=(\d+)$", SERVICE, re.MULTILINE)
    assert match is not None and int(match[1]) > STOP_SECONDS


def test_the_variables_are_ours() -> None:
    lines = [line for line in (SYSTEMD / "keyhouse.env").read_text().splitlines() if not line.startswith("#")]
    names = {line.partition("=")[0].removesuffix("_FILE") for line in lines}
    assert names and names <= VARIABLES.keys()


def test_the_server_notifies_systemd_once_it_listens(
    module_installation: Installation, tmp_path: Path
) -> None:
    """Type=notify."""
    assert "\nType=notify\n" in SERVICE
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(address := str(tmp_path / "notify"))
        listener.settimeout(60)
        with module_installation.serve(NOTIFY_SOCKET=address) as server:
            assert listener.recv(1024).startswith(b"READY=1\n")
            assert server.request("GET", "/health").status == 200
