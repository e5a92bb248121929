"""./run test: on SQLite and on a real PostgreSQL, side by side. tests.running.tiers says which tests.

All of the tests wait for servers and browsers so often that four processes leave a third of two cores idle:
with --all there are six, and three share the tests of a database.
"""

import os
import subprocess
import sys
import tempfile
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import IO, NamedTuple

from pytest import ExitCode

from tests import postgres
from tests.browser.chromium import what_is_skipped
from tests.running import taking

SAID: dict[int, str] = {ExitCode.OK: "passed", ExitCode.NO_TESTS_COLLECTED: "left to the others"}


class Part(NamedTuple):
    """A run of pytest beside the others, on one database."""

    vendor: str
    title: str


PARTS = [Part("postgresql", "PostgreSQL"), Part("sqlite", "SQLite")]
SHARES = [
    part._replace(title=f"{part.title}, {which}") for part in PARTS for which in ("first", "second", "third")
]


def main(arguments: list[str]) -> int:
    """Run the parts side by side and return 0 if all passed, or some did and had all of the tests."""
    parts = SHARES if "--all" in arguments else PARTS
    with ExitStack() as stack:
        taken = {part.vendor: stack.enter_context(tempfile.TemporaryDirectory()) for part in PARTS}
        # The first one shows its progress, the others print at their end.
        outputs = [None, *(stack.enter_context(tempfile.TemporaryFile("w+")) for _ in parts[1:])]
        runs = [
            start(part, stack.enter_context(server(part)), taken[part.vendor], arguments, output)
            for part, output in zip(parts, outputs, strict=True)
        ]
        codes = [run.wait() for run in runs]
        for part, output in zip(parts, outputs, strict=True):
            if output is not None:
                output.seek(0)
                print(f"\n==== {part.title} ====\n{output.read()}", flush=True)
    for part, code in zip(parts, codes, strict=True):
        print(f"{part.title}: {SAID.get(code, 'failed')}")
    print("".join(f"{line}\n" for line in what_is_skipped()), end="")
    return 0 if ExitCode.OK in codes and SAID.keys() >= set(codes) else 1


def server(part: Part) -> AbstractContextManager[str]:
    """A PostgreSQL for this part alone, whose tests look at all that it does; or no URL, for SQLite."""
    return postgres.running() if part.vendor == "postgresql" else nullcontext("")


def start(
    part: Part, url: str, taken: str, arguments: list[str], output: "IO[str] | None"
) -> "subprocess.Popen[bytes]":
    """Start pytest on one database; tests/conftest.py fails the run if it is not on that one."""
    environment = os.environ | {
        "KEYHOUSE_TEST_VENDOR": part.vendor,
        "KEYHOUSE_TEST_SERVER": url,
        taking.FOLDER: taken if "--all" in arguments else "",
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # compiling anew takes longer than a test
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.Popen(command, env=environment, stdout=output, stderr=output)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
