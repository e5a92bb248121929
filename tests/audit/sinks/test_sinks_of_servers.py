"""Sinks as real servers fill them, beside the mail."""

import json
import time
from pathlib import Path

import pytest

from tests.accounts.mailbox import listening
from tests.installation import ADMIN, START_SECONDS, Installation, Server, free_port

pytestmark = [pytest.mark.once, pytest.mark.slow]


def told(server: Server, sink: str, what: str) -> float:
    name = f"keyhouse_audit_{sink}_{what} "
    lines = server.request("GET", "/metrics").body.decode().splitlines()
    return float(next(line.removeprefix(name) for line in lines if line.startswith(name)))


def numbers(path: Path) -> list[int]:
    lines = map(json.loads, path.read_text().splitlines() if path.exists() else ())
    return [line["sequence"] for line in lines if "sequence" in line]


def test_a_dead_syslog_server_holds_up_neither_the_file_nor_the_mail(installation: Installation) -> None:
    path = installation.folder / "audit.jsonl"
    sinks = {
        "KEYHOUSE_AUDIT_FILE": str(path),
        "KEYHOUSE_AUDIT_SYSLOG": f"tls://localhost:{free_port()}",
        "KEYHOUSE_METRICS_NETWORKS": "127.0.0.1",
    }
    with (
        listening() as mailbox,
        installation.serve("--workers", "2", EMAIL_URL=mailbox.url, **sinks) as server,
    ):
        body = {"email": ADMIN["KEYHOUSE_ADMIN_EMAIL"]}
        assert server.request("POST", "/api/v1/auth/forgot-password", body=body).status == 200
        mailbox.wait_for(mails=1)
        end = time.monotonic() + START_SECONDS
        while told(server, "file", "waiting"):
            assert time.monotonic() < end, "the file is not filled"
            time.sleep(0.1)  # servers look for new events every few seconds, and tell nobody
        assert told(server, "syslog", "waiting") == len(numbers(path)) > 0
        assert (told(server, "file", "lag_seconds"), told(server, "syslog", "lag_seconds") > 0) == (0, True)
    assert numbers(path) == list(range(1, len(numbers(path)) + 1))
    assert installation.manage_json("verifyexport", str(path))["signed_to"] > 0
