"""Notices and rotations that contradict themselves are refused."""

import pytest

from config import profiles
from tests.config.profile_texts import good_but

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("line", "member", "reason"),
    [
        ("expiry_days = [7, 7]", "notices.expiry_days", "listed twice"),
        ("expiry_days = [0]", "notices.expiry_days[1]", ">= 1"),
        ("stale_disable_days = 30", "notices.stale_disable_days", "needs stale_days"),
    ],
)
def test_notices_that_cannot_be_meant_are_refused(line: str, member: str, reason: str) -> None:
    text = good_but(("[login]", f"[notices]\n{line}\n[login]"))
    assert_refused(text, member, reason)


def test_a_rotation_that_waits_for_nothing_is_refused() -> None:
    text = good_but(("[login]", "[rotation]\nlongest_days = 30\n[login]"))
    assert_refused(text, "rotation.longest_days", "needs quiet_hours")


def assert_refused(text: str, member: str, reason: str) -> None:
    with pytest.raises(profiles.ProfileError, match=reason) as raised:
        profiles.parse(text, source="/etc/keyhouse/example.toml")
    assert raised.value.member == member
