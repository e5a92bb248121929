"""The order in which work of many clients gets a thread, when some of it leaves before its turn."""

import pytest

from config.server.fairness import Waiting

pytestmark = pytest.mark.once

HERE, THERE = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def waiting() -> Waiting[str]:
    return Waiting()


def test_work_that_leaves_keeps_no_turn_for_its_credential(waiting: Waiting[str]) -> None:
    waiting.put("gone", HERE, "a")
    waiting.put("kept", HERE, "b")
    waiting.put("later", HERE, "b")
    assert waiting.drop("gone", HERE, "a")
    assert [waiting.take(), waiting.take()] == ["kept", "later"]


def test_work_that_leaves_keeps_no_turn_for_its_address(waiting: Waiting[str]) -> None:
    waiting.put("gone", HERE, "a")
    waiting.put("kept", THERE, "a")
    assert waiting.drop("gone", HERE, "a")
    assert waiting.take() == "kept"


@pytest.mark.parametrize(("gone", "kept"), [("first", "second"), ("second", "first")])
def test_work_that_leaves_takes_no_other_work_of_its_credential_along(
    waiting: Waiting[str], gone: str, kept: str
) -> None:
    waiting.put("first", HERE, "a")
    waiting.put("second", HERE, "a")
    assert waiting.drop(gone, HERE, "a")
    assert waiting.take() == kept


@pytest.mark.parametrize(("address", "credential"), [(HERE, "a"), (HERE, "b"), (THERE, "a")])
def test_work_that_does_not_wait_cannot_leave(waiting: Waiting[str], address: str, credential: str) -> None:
    waiting.put("taken", HERE, "a")
    waiting.put("kept", HERE, "a")
    assert waiting.take() == "taken"
    assert not waiting.drop("taken", address, credential)
    assert waiting.take() == "kept"
