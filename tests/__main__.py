"""./run test: the whole suite, once on SQLite and once on a real PostgreSQL. Arguments go to pytest."""

import os
import subprocess
import sys
import tempfile
from typing import IO

from tests import postgres
from tests.browser.chromium import what_is_skipped


def main(arguments: list[str]) -> int:
    """Run both halves side by side and return 0 if both passed."""
    with postgres.running() as url, tempfile.TemporaryFile("w+") as sqlite_output:
        first = start("sqlite", "", arguments, sqlite_output)
        second = start("postgresql", url, arguments, None)
        failed_second = second.wait()
        failed_first = first.wait()
        sqlite_output.seek(0)
        print(f"\n==== SQLite ====\n{sqlite_output.read()}", flush=True)
    for name, code in (("PostgreSQL", failed_second), ("SQLite", failed_first)):
        print(f"{name}: {'failed' if code else 'passed'}")
    print("".join(f"{line}\n" for line in what_is_skipped()), end="")
    return 1 if failed_first or failed_second else 0


def start(vendor: str, url: str, arguments: list[str], output: "IO[str] | None") -> "subprocess.Popen[bytes]":
    """Start pytest on one database; tests/conftest.py fails the run if it is not on that one."""
    environment = os.environ | {"KEYHOUSE_TEST_VENDOR": vendor, "KEYHOUSE_TEST_SERVER": url}
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.Popen(command, env=environment, stdout=output, stderr=output)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
