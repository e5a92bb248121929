"""Where the profile refreshes by access token, a token renews its own session only."""

import pytest

from accounts.models import Session, User
from accounts.sessions import tokens
from accounts.sessions.refreshing import renew
from audit.actors import Origin
from config.wire.errors import InvalidToken
from tests.conftest import Cast, log_in


def test_an_access_token_renews_its_own_session_and_no_other(cast: Cast) -> None:
    logins = {user: log_in(user)["access_token"] for user in (cast.alice, cast.bob, cast.charlie)}
    for user, token in logins.items():
        pair = renew(token=token, origin=Origin.here())
        claims, session = tokens.read_refresh(pair.refresh_token), Session.objects.get(user=user)
        assert (claims["sub"], claims["sid"]) == (str(user.uuid), str(session.uuid))
        assert bytes(session.refresh_digest) == tokens.digest(claims["jti"])


def test_an_inactive_person_renews_nothing(cast: Cast) -> None:
    token = log_in(cast.alice)["access_token"]
    User.objects.filter(pk=cast.alice.pk).update(is_active=False)
    with pytest.raises(InvalidToken):
        renew(token=token, origin=Origin.here())
