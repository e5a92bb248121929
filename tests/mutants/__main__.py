"""./run mutants: changes the code in small ways, one at a time, and shows which changes no test notices.

docs/testing.md says how to read it. The outcomes are kept in var/mutants.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

from tests.installation import PROJECT
from tests.mutants.mutants import AGAIN, FOLDER, MODULES, SECONDS

PYTHON = PROJECT / ".venv-mutants" / "bin" / "python"
MAKING = PROJECT / "tests" / "mutants" / "making.py"


def main(arguments: list[str]) -> int:
    """Make the mutants of modules, try them, and return 0 unless the run itself failed."""
    parser = argparse.ArgumentParser(prog="./run mutants", description=__doc__)
    parser.add_argument(
        "modules", nargs="*", default=MODULES, metavar="MODULE", help="for example access/principals.py"
    )
    parser.add_argument("--again", action="store_true", help="try those that survived the last time, too")
    parser.add_argument("--seconds", type=float, default=4, help="of tests that a mutant is tried with")
    options = parser.parse_args(arguments)
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "changes.json").write_text(json.dumps({path: changes(path) for path in options.modules}))
    environment = os.environ | {AGAIN: str(int(options.again)), SECONDS: str(options.seconds)}
    environment.pop("KEYHOUSE_TEST_VENDOR", None)  # all fast tests, on SQLite
    command = ["-m", "pytest", "-s", "--tb=no", "-p", "tests.mutants.plugin", "--hypothesis-profile=mutants"]
    return subprocess.run([sys.executable, *command], env=environment).returncode


def changes(path: str) -> list[object]:
    """Return the changes that make the mutants of a module (tests.mutants.making.Change), made once."""
    digest = hashlib.sha256((PROJECT / path).read_bytes() + MAKING.read_bytes()).hexdigest()[:16]
    made = FOLDER / f"{Path(path).stem}-{digest}.json"
    if not made.exists():
        done = subprocess.run([PYTHON, MAKING, path], check=True, capture_output=True, cwd=PROJECT)
        made.write_bytes(done.stdout)
    found: list[object] = json.loads(made.read_bytes())
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
