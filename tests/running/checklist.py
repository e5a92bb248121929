"""./run checklist: run the tests of each row of docs/security-checklist.md, and print what came of them."""

import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).parents[2] / "docs" / "security-checklist.md"
ROW = re.compile(r"^\| (\d+) \|[^|]*\| (.+) \|$", re.MULTILINE)

rows_of: dict[str, set[int]] = {}  # by the node id of a test
outcomes: dict[int, Counter[str]] = defaultdict(Counter)


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
        for row in rows_of[report.nodeid]:
            outcomes[row][report.outcome] += 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for row, statement in sorted(statements().items()):
        found = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes[row].items()))
        terminalreporter.write_line(f"{row:>4}  {found or 'not run':<24}  {statement}")
