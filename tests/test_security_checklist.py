"""Each row of docs/security-checklist.md has a test, and each test of a row has a row."""

import re
from pathlib import Path

import pytest

from tests.running.checklist import statements

pytestmark = pytest.mark.once

MARK = re.compile(r"mark\.requirement\(([\d, ]+)\)")


def test_every_requirement_has_a_test_and_every_test_of_one_a_row() -> None:
    marked = {
        int(number)
        for path in Path(__file__).parent.rglob("test_*.py")
        for numbers in MARK.findall(path.read_text(encoding="utf-8"))
        for number in numbers.split(",")
    }
    assert marked == statements().keys()
