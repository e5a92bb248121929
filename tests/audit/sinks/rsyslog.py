"""A real rsyslog that receives over TLS and writes each message's text into a file."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.certificates import Certificates, certificates
from tests.installation import START_SECONDS, free_port

PLACES = "/usr/sbin:/usr/local/sbin:/usr/bin"
MODULES = (Path("/usr/lib/x86_64-linux-gnu/rsyslog"), Path("/usr/lib/aarch64-linux-gnu/rsyslog"))
CONFIGURATION = """
global(
    workDirectory="{folder}" maxMessageSize="256k"
    defaultNetstreamDriverCAFile="{authority}"
    defaultNetstreamDriverCertFile="{server}" defaultNetstreamDriverKeyFile="{server}"
)
module(load="imtcp" streamDriver.name="{driver}" streamDriver.mode="1" streamDriver.authMode="anon")
template(name="text" type="string" string="%msg%\\n")
ruleset(name="audit" queue.type="Direct") {{
    action(type="omfile" file="{output}" template="text")
}}
input(type="imtcp" port="{port}" address="127.0.0.1" ruleset="audit")
"""


class Rsyslog(NamedTuple):
    """Where it listens, whom its certificate is by, and where it writes."""

    port: int
    files: Certificates
    output: Path
    configuration: Path

    @contextmanager
    def running(self) -> Iterator["subprocess.Popen[bytes]"]:
        """Run it until the block ends; then kill it as a failing machine would."""
        pid = self.configuration.with_suffix(".pid")
        pid.unlink(missing_ok=True)
        program = [binary(), "-n", "-f", str(self.configuration), "-i", str(pid)]
        with subprocess.Popen(program, stderr=subprocess.DEVNULL) as process:
            try:
                end = time.monotonic() + START_SECONDS
                while not self._is_listening():
                    assert process.poll() is None and time.monotonic() < end, "rsyslog does not start"
                    time.sleep(0.02)  # it tells nobody when it is ready
                yield process
            finally:
                process.kill()

    def _is_listening(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0

    def lines(self) -> list[str]:
        """What it has written."""
        text = self.output.read_text() if self.output.exists() else ""
        return [line.strip() for line in text.splitlines()]


def binary() -> str:
    """Return where rsyslog is. The test is skipped if it is not installed; the summary says so."""
    found = shutil.which("rsyslogd", path=PLACES)
    if found is None:
        pytest.skip("rsyslog is not installed (apt-get install rsyslog rsyslog-gnutls rsyslog-openssl)")
    return found


def prepared(folder: Path, driver: str) -> Rsyslog:
    """Return an rsyslog with this TLS driver, gtls or ossl, that is not running yet."""
    binary()
    if not any((place / f"lmnsd_{driver}.so").exists() for place in MODULES):
        pytest.skip("rsyslog has no TLS (apt-get install rsyslog-gnutls rsyslog-openssl)")
    made = Rsyslog(free_port(), certificates(folder), folder / "received", folder / "rsyslog.conf")
    text = CONFIGURATION.format(
        folder=folder, driver=driver, output=made.output, port=made.port, **made.files._asdict()
    )
    made.configuration.write_text(text)
    return made
