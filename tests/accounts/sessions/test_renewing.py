"""Where the profile refreshes by access token, a token renews its own session only."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import Session, User
from accounts.sessions import tokens
from accounts.sessions.refreshing import renew
from audit.actors import Origin
from config.wire.errors import InvalidToken
from tests.accounts.helpers import claims_of, origin_at, serving, with_token
from tests.conftest import Api, Cast, assert_problem, log_in, make_key, with_key


def test_an_access_token_renews_its_own_session_and_no_other(cast: Cast) -> None:
    logins = {user: log_in(user)["access_token"] for user in (cast.alice, cast.bob, cast.charlie)}
    for user, token in logins.items():
        pair = renew(token=token, origin=Origin.here())
        claims, session = tokens.read_refresh(pair.refresh_token), Session.objects.get(user=user)
        assert (claims["sub"], claims["sid"]) == (str(user.uuid), str(session.uuid))
        assert bytes(session.refresh_digest) == tokens.digest(claims["jti"])


def test_a_renewal_counts_as_use_of_the_session(cast: Cast) -> None:
    token, later = log_in(cast.alice)["access_token"], datetime.now(UTC) + timedelta(minutes=5)
    pair = renew(token=token, origin=origin_at(later))
    assert Session.objects.get().last_seen_at == later
    for text in (pair.access_token, pair.refresh_token):
        assert claims_of(text)["iat"] == int(later.timestamp())


def test_an_inactive_person_renews_nothing(cast: Cast) -> None:
    token = log_in(cast.alice)["access_token"]
    User.objects.filter(pk=cast.alice.pk).update(is_active=False)
    with pytest.raises(InvalidToken):
        renew(token=token, origin=Origin.here())


def test_the_endpoint_takes_an_access_token_and_nothing_else(cast: Cast) -> None:
    login = log_in(cast.alice)
    key = with_key(make_key(cast.alice, "keys:write"))
    with serving("login", refresh_takes="access_token"):
        api = with_token(login["access_token"])
        renewed = api.post("auth/refresh")
        assert renewed.status_code == 200
        assert with_token(renewed.json()["access_token"]).get("auth/me").status_code == 200
        for nobody in (Api(), key):
            assert_problem(nobody.post("auth/refresh"), 401, "not_authenticated")
        body = {"refresh_token": login["refresh_token"]}
        assert_problem(api.post("auth/refresh", body), 400, "invalid", "refresh_token")
