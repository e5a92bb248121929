"""For how long after a proof a login may do what needs a fresh one, to the second."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from access.freshness import check_fresh, check_fresh_for
from access.principals import Caller, Credential, CredentialKind, Principal, operator
from audit.actors import Origin
from config.wire.errors import FreshProofRequired, NotAllowed
from tests.accounts.helpers import serving

pytestmark = [pytest.mark.once, pytest.mark.requirement(22)]

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
MOST = 600  # seconds


@pytest.fixture(autouse=True)
def ten_minutes() -> Iterator[None]:
    with serving("login", fresh_seconds=MOST):
        yield


def caller_with(credential: Credential) -> Caller:
    return Caller(
        Principal("8b1e", "bob", credential, everywhere=operator("").everywhere), Origin("", "", NOW)
    )


def test_a_proof_counts_for_as_long_as_the_profile_says() -> None:
    just, late = (NOW - timedelta(seconds=MOST, microseconds=more) for more in (0, 1))
    check_fresh(caller_with(Credential("jwt", "1", proven_at=just)))
    check_fresh_for(["keys:write"], proven_at=just, now=NOW)
    check_fresh_for(["services:read"], proven_at=late, now=NOW)
    refusing: list[Callable[[], None]] = [
        lambda: check_fresh(caller_with(Credential("jwt", "1", proven_at=late))),
        lambda: check_fresh(caller_with(Credential("jwt", "1"))),
        lambda: check_fresh_for(["services:read", "keys:write"], proven_at=late, now=NOW),
    ]
    for check in refusing:
        with pytest.raises(FreshProofRequired) as refused:
            check()
        assert refused.value.max_age == MOST


@pytest.mark.parametrize("kind", ["key", "oauth2", "command"])
def test_a_program_and_the_operator_have_no_login_that_ages(kind: CredentialKind) -> None:
    check_fresh(caller_with(Credential(kind, "1")))


def test_a_confined_login_is_never_fresh_enough() -> None:
    with pytest.raises(NotAllowed, match="counts only in some of your organizations"):
        check_fresh(caller_with(Credential("jwt", "1", proven_at=NOW, is_confined=True)))
