"""./run test: on SQLite and on a real PostgreSQL, side by side. tests.running.tiers says which tests."""

import os
import subprocess
import sys
import tempfile
from typing import IO

from pytest import ExitCode

from tests import postgres
from tests.browser.chromium import what_is_skipped

SAID: dict[int, str] = {ExitCode.OK: "passed", ExitCode.NO_TESTS_COLLECTED: "left to the other half"}


def main(arguments: list[str]) -> int:
    """Run both halves side by side and return 0 if both passed, or one did and had all of the tests."""
    with postgres.running() as url, tempfile.TemporaryFile("w+") as sqlite_output:
        first = start("sqlite", "", arguments, sqlite_output)
        second = start("postgresql", url, arguments, None)
        second_code = second.wait()
        first_code = first.wait()
        sqlite_output.seek(0)
        print(f"\n==== SQLite ====\n{sqlite_output.read()}", flush=True)
    for name, code in (("PostgreSQL", second_code), ("SQLite", first_code)):
        print(f"{name}: {SAID.get(code, 'failed')}")
    print("".join(f"{line}\n" for line in what_is_skipped()), end="")
    codes = {first_code, second_code}
    return 0 if ExitCode.OK in codes and codes <= SAID.keys() else 1


def start(vendor: str, url: str, arguments: list[str], output: "IO[str] | None") -> "subprocess.Popen[bytes]":
    """Start pytest on one database; tests/conftest.py fails the run if it is not on that one."""
    environment = os.environ | {"KEYHOUSE_TEST_VENDOR": vendor, "KEYHOUSE_TEST_SERVER": url}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # compiling anew takes longer than a test
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.Popen(command, env=environment, stdout=output, stderr=output)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
