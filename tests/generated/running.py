"""Runs schemathesis against a server, and says which of its failures are not in the list of accepted ones."""

import json
import os
import re
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.generated.callers import Callers
from tests.installation import PROJECT, Installation, Server, copy_of

HERE = Path(__file__).parent
PYTHON = PROJECT / ".venv-schemathesis" / "bin" / "python"
ALL_PHASES = "examples,coverage,fuzzing,stateful"
SHOWN = 2000  # characters of a request, of which some have very long values
SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "tests.running.settings",  # password hashes that cost little
    "EMAIL_URL": "dummymail://",
    "KEYHOUSE_METRICS_NETWORKS": "10.0.0.0/8",
    "KEYHOUSE_TRUSTED_PROXIES": "127.0.0.1",  # tests/generated/extension.py names a client for each request
}


@dataclass(frozen=True)
class Failure:
    """A response that a check of schemathesis finds wrong; `kind` is the class of the failure."""

    kind: str
    operation: str
    message: str
    request: str
    status: int
    answer: str

    def __str__(self) -> str:
        what = f"{self.kind} of {self.operation}: {self.message}"
        return "\n  ".join((what, self.request[:SHOWN], f"{self.status} {self.answer}"))


class Accepted(NamedTuple):
    """Failures of a kind that are right as they are, if operation, message and answer match (re.search)."""

    kind: str
    reason: str
    operation: str = ""
    message: str = ""
    answer: str = ""

    def covers(self, failure: Failure) -> bool:
        """Return whether the entry is about this failure."""
        return (
            self.kind == failure.kind
            and re.search(self.operation, failure.operation) is not None
            and re.search(self.message, failure.message) is not None
            and re.search(self.answer, failure.answer) is not None
        )


ACCEPTED = [Accepted(**entry) for entry in tomllib.loads((HERE / "accepted.toml").read_text())["accepted"]]


class Run(NamedTuple):
    """What came of the requests of one kind of callers."""

    profile: str
    callers: Callers
    cases: int
    failures: list[Failure]
    credentials_left: int
    was_let_in: bool

    def __str__(self) -> str:
        return f"{self.profile}: {self.callers.name}: {self.cases} cases, {len(self.failures)} failures"

    @property
    def unexpected(self) -> list[Failure]:
        """The failures that are not accepted, one for each kind, operation and answer."""
        found = [failure for failure in self.failures if not any(e.covers(failure) for e in ACCEPTED)]
        return list({(each.kind, each.operation, each.answer): each for each in found}.values())


def callers_of(installation: Installation, equal: int) -> list[Callers]:
    """Make callers of every kind in an installation, each with `equal` credentials, and return them."""
    code = f"from tests.generated.callers import write; write({equal})"
    done = installation.manage("shell", "--no-imports", "-c", code)
    assert done.returncode == 0, done.stderr
    return [Callers(**each) for each in json.loads(done.stdout)]


def run(
    original: Installation, callers: Callers, folder: Path, *, examples: int, phases: str = ALL_PHASES
) -> Run:
    """Send generated requests of these callers to a copy of an installation, and return what came of them.

    `examples` is the number of random requests to each operation; the phases `examples` and `coverage` send
    theirs on top of it.
    """
    profile = Path(original.settings["KEYHOUSE_PROFILE"]).stem
    found = folder / "found.jsonl"
    with copy_of(original, folder) as installation:
        installation.settings |= original.settings
        with installation.serve("--workers", "1") as server:
            server.request("GET", "/schema")  # a busy machine builds it longer than schemathesis waits
            _schemathesis(server, callers, found, "-n", str(examples), "--seed", "1", "--phases", phases)
            assert "Traceback" not in server.output, server.output
    *lines, last = map(json.loads, found.read_text().splitlines())
    failures = [Failure(**line) for line in lines]
    return Run(profile, callers, failures=failures, **last)


def _schemathesis(server: Server, callers: Callers, found: Path, *options: str) -> None:
    address = f"http://127.0.0.1:{server.port}"
    config = str(HERE / "schemathesis.toml")
    command = [str(PYTHON), "-m", "schemathesis.cli", "--config-file", config, "run"]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(found.parent),
        "PYTHONPATH": str(HERE),
        "SCHEMATHESIS_HOOKS": "extension",
        "CREDENTIALS": json.dumps(callers.credentials),
        "FOUND": str(found),
    }
    done = subprocess.run(
        [*command, f"{address}/schema", "--url", address, *options],
        env=environment,
        cwd=found.parent,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
