"""./run checklist: run the tests of each row of docs/security-checklist.md, and print what came of them.

Each part of the run leaves its outcomes in a file; what started the parts prints them together.
"""

import json
import os
import re
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).parents[2] / "docs" / "security-checklist.md"
ROW = re.compile(r"^\| (\d+) \|[^|]*\| (.+) \|$", re.MULTILINE)
FOLDER = "KEYHOUSE_TEST_CHECKLIST"

rows_of: dict[str, set[int]] = {}  # by the node id of a test
outcomes: list[tuple[int, str, str]] = []  # row, test, outcome


def statements() -> dict[int, str]:
    """Return the rows of the checklist by their numbers."""
    return {int(number): text for number, text in ROW.findall(DOCUMENT.read_text(encoding="utf-8"))}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep only the tests of requirements."""
    for item in items:
        rows_of[item.nodeid] = {row for mark in item.iter_markers("requirement") for row in mark.args}
    items[:] = [item for item in items if rows_of[item.nodeid]]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or report.outcome != "passed":
        test = report.nodeid.partition("[")[0]
        outcomes.extend((row, test, report.outcome) for row in rows_of[report.nodeid])


def pytest_sessionfinish() -> None:
    Path(os.environ[FOLDER], f"{os.getpid()}.json").write_text(json.dumps(outcomes))


def report_of(folder: Path) -> str:
    """Return each row, its tests, and what came of them, from the files that the parts left."""
    found: defaultdict[int, defaultdict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for path in folder.glob("*.json"):
        for row, test, outcome in json.loads(path.read_text()):
            found[row][test][outcome] += 1
    lines = []
    for row, statement in sorted(statements().items()):
        lines.append(f"{row:>4}  {statement}")
        for test, counts in sorted(found[row].items()):
            came = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
            lines.append(f"      {came:<22}  {test}")
        if row not in found or not any(counts["passed"] for counts in found[row].values()):
            lines.append("      NOT SHOWN")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Run the tests of all rows, print the report, and return 0 if all passed."""
    from tests.__main__ import main as run_tests

    with tempfile.TemporaryDirectory() as folder:
        os.environ[FOLDER] = folder
        code = run_tests(["--all", "-p", "tests.running.checklist", *arguments])
        print(report_of(Path(folder)))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
