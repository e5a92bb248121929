"""The file sink: whole lines, on the disk, in whichever file has the name now."""

import fcntl
import json
import os
from functools import partial
from pathlib import Path

import pytest
from django.utils import timezone

from audit.export.lines import FORMS, Line
from audit.position import BEGINNING
from audit.sinks.delivery import Outlet, deliver
from audit.sinks.file import append
from tests.audit.sinks.helpers import waiting_for
from tests.audit.sinks.test_delivery import happen
from tests.commands.helpers import run

pytestmark = pytest.mark.once


def lines(*numbers: int) -> list[Line]:
    return [Line({"sequence": number}, BEGINNING, "login:failed", timezone.now()) for number in numbers]


def numbers(path: Path) -> list[int]:
    return [json.loads(line)["sequence"] for line in path.read_text().splitlines()]


def test_lines_are_appended_to_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    append(path, lines(1, 2))
    append(path, lines(3))
    assert numbers(path) == [1, 2, 3]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_was_rotated_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    append(path, lines(1))
    path.rename(tmp_path / "audit.jsonl.1")
    append(path, lines(2))
    assert (numbers(tmp_path / "audit.jsonl.1"), numbers(path)) == ([1], [2])
    path.write_text("")  # logrotate's copytruncate
    append(path, lines(3))
    assert numbers(path) == [3]


@pytest.mark.parametrize("torn", ['{"seq', "x" * 200_000])
def test_a_line_that_a_killed_process_did_not_finish_is_cut_off(tmp_path: Path, torn: str) -> None:
    path = tmp_path / "audit.jsonl"
    append(path, lines(1))
    with path.open("a") as other:
        other.write(torn)
    append(path, lines(2))
    assert numbers(path) == [1, 2]
    path.write_text(torn)
    append(path, lines(3))
    assert numbers(path) == [3]


def test_a_disk_that_is_full_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, write = tmp_path / "audit.jsonl", os.write
    append(path, lines(1))

    def fill(handle: int, data: bytes) -> int:
        monkeypatch.setattr(os, "write", refuse)
        return write(handle, data[:5])

    def refuse(handle: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", fill)
    with pytest.raises(OSError, match="No space left"):
        append(path, lines(2))
    monkeypatch.undo()
    assert numbers(path) == [1]


def test_two_writers_do_not_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    append(path, lines(1))
    with path.open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(BlockingIOError):
            append(path, lines(2))
    append(path, lines(2))
    assert numbers(path) == [1, 2]


def test_what_the_sink_has_written_verifies(tmp_path: Path, db: None) -> None:
    path = tmp_path / "audit.jsonl"
    outlet = Outlet("file", partial(append, path), FORMS["jsonl"])
    for _ in range(3):
        happen(2)
        deliver(outlet, None)
    assert waiting_for("file") == 0
    assert run("verifyexport", str(path))["events"] == 6
