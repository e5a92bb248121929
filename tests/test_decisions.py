"""Each decision is in the index, and says when it was made and whether it holds."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

FOLDER = Path(__file__).parents[1] / "docs" / "decisions"
FILES = sorted(FOLDER.glob("[0-9]*.md"))
STATUS = re.compile(
    r"2\d{3}-\d\d-\d\d(, extended 2\d{3}-\d\d-\d\d)? · (accepted|superseded by \[\d{4}\]\(\d{4}-\S+\.md\))"
)


def test_the_index_lists_every_decision_by_its_title_once() -> None:
    listed = re.findall(r"^- \[(.+)\]\((.+)\)$", (FOLDER / "README.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(listed, key=lambda line: line[1]) == [
        (f"{path.name[:4]} {path.read_text('utf-8').splitlines()[0].removeprefix('# ')}", path.name)
        for path in FILES
    ]


def test_every_decision_has_a_date_and_a_status() -> None:
    found = {path.name: path.read_text("utf-8").splitlines()[2] for path in FILES}
    assert not {f"{name}:3": line for name, line in found.items() if not STATUS.fullmatch(line)}


def test_no_number_is_used_twice() -> None:
    assert len({path.name[:4] for path in FILES}) == len(FILES)
