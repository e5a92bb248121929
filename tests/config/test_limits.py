"""The table of limits, and changes by an operator."""

import pytest

from config.env import ConfigurationError
from config.limits import DEFAULTS, Limit, limits

pytestmark = pytest.mark.once


def test_the_table_applies_unless_the_operator_changes_it() -> None:
    assert limits([]) == DEFAULTS


def test_no_account_can_be_tried_more_than_a_hundred_times_within_a_window() -> None:
    """NIST SP 800-63B section 3.2.2."""
    assert all(bounds.account <= 100 for bounds in DEFAULTS.values())


def test_an_operator_changes_single_numbers() -> None:
    table = limits(["login.address=200", "login.here=7", "code.seconds=60"])
    login = table[Limit.LOGIN]
    assert (login.address, login.here, login.account) == (200, 7, DEFAULTS[Limit.LOGIN].account)
    assert table[Limit.CODE].seconds == 60
    assert table[Limit.REGISTRATION] == DEFAULTS[Limit.REGISTRATION]


@pytest.mark.parametrize(
    "item",
    [
        "login",
        "login=5",
        "login.here",
        "login.here=",
        "login.here=0",
        "login.here=-1",
        "login.here=٣",
        "login.here=1.5",
        "login.here=9999999999",
        "login.nowhere=5",
        "log.here=5",
        "login.__class__=5",
        "LOGIN.here=5",
    ],
)
def test_anything_else_is_refused_with_what_there_is(item: str) -> None:
    with pytest.raises(
        ConfigurationError, match=r"^KEYHOUSE_LIMITS: .* must be LIMIT.MEMBER=NUMBER"
    ) as raised:
        limits(["login.here=5", item])
    assert "forgot_password" in str(raised.value)
