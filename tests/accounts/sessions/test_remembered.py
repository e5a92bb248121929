"""A login that is remembered costs no query, and ends with its access token."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from access.principals import Credential
from accounts.models import Session
from accounts.sessions.authentication import authenticate_access_token, remembered_access_token
from audit.actors import Origin
from tests.accounts.helpers import claims_of, origin_at, statements
from tests.conftest import Cast, log_in

LONG = 3600.0


@pytest.fixture
def token(cast: Cast) -> str:
    text: str = log_in(cast.alice)["access_token"]
    return text


def end_of(token: str) -> datetime:
    return datetime.fromtimestamp(claims_of(token)["exp"], UTC)


@pytest.mark.requirement(28)
def test_a_login_says_whose_session_it_is_and_when_its_access_token_ends(token: str) -> None:
    session = Session.objects.get()
    credential = Credential("jwt", str(session.uuid), end_of(token), proven_at=session.created_at)
    assert authenticate_access_token(token, Origin.here()).credential == credential


@pytest.mark.requirement(28)
def test_a_remembered_login_needs_no_query_and_ends_with_its_access_token(
    token: str, lease: Callable[[float], None]
) -> None:
    lease(LONG)
    here = Origin.here()
    assert remembered_access_token(token, here) is None
    found = authenticate_access_token(token, here)
    last = origin_at(end_of(token) - timedelta(seconds=1))
    with CaptureQueriesContext(connection) as captured:
        assert authenticate_access_token(token, last) is found
        cached = remembered_access_token(token, last)
        assert remembered_access_token(token, origin_at(end_of(token))) is None
    assert cached is not None and cached.principal is found
    assert statements(captured) == []
