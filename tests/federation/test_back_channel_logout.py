"""A provider says that a person logged out there, and their sessions here end."""

import time
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from joserfc import jwt

from accounts.models import Session
from audit.models import Event
from federation.models import Identity, Provider
from federation.protocol import documents
from federation.protocol.logout_tokens import EVENT
from tests.conftest import PASSWORD, Cast, log_in
from tests.federation.conftest import set_up
from tests.federation.fake import FakeProvider, key, logs_in
from tests.federation.real import CLIENT

ADDRESS = "/account/login/organization/logout"
pytestmark = pytest.mark.once


def token(
    fake: FakeProvider, *, kid: str = "first", header: dict[str, str] | None = None, **said: Any
) -> str:
    """A logout token of alice; members that are None are left out."""
    now = int(time.time())
    claims = {
        **{"iss": fake.issuer, "aud": CLIENT["client_id"], "iat": now, "exp": now + 120, "jti": "one"},
        **{"events": {EVENT: {}}, "sub": "alice"},
        **said,
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    signer = fake.keys[0] if kid == "first" else key(kid)
    return jwt.encode({"alg": "RS256", "kid": kid, "typ": "logout+jwt", **(header or {})}, claims, signer)


def sent(text: str) -> int:
    answer = Client(enforce_csrf_checks=True).post(ADDRESS, {"logout_token": text})
    assert answer.headers["Cache-Control"] == "no-store"
    if answer.status_code != 200:
        assert answer.json()["error"] == "invalid_request"
    return answer.status_code


def open_sessions() -> list[str]:
    rows = Session.objects.filter(ended_at=None, organization__isnull=False).order_by("pk")
    return [row.provider_session for row in rows]


@pytest.fixture
def alice(cast: Cast, fake: FakeProvider) -> Identity:
    """Alice is logged in with the provider twice, and another person once."""
    set_up(cast, fake.issuer)
    logs_in(fake, sub="somebody", email="somebody@acme.example", sid="other")
    for sid in ("desk", "phone"):
        logs_in(fake, sid=sid)
    assert open_sessions() == ["other", "desk", "phone"]
    return Identity.objects.get(subject="alice")


@pytest.mark.requirement(181)
def test_a_logout_ends_the_sessions_of_the_person(alice: Identity, fake: FakeProvider) -> None:
    assert sent(token(fake)) == 200
    assert open_sessions() == ["other"]
    events = Event.objects.filter(name="session:ended")
    assert [each.detail for each in events] == [{"by": "provider"}] * 2


@pytest.mark.requirement(181)
@pytest.mark.parametrize("said", [{"sub": None}, {}], ids=["sid", "sid and sub"])
def test_a_logout_of_one_session_ends_that_one(
    said: dict[str, Any], alice: Identity, fake: FakeProvider
) -> None:
    assert sent(token(fake, sid="phone", **said)) == 200
    assert open_sessions() == ["other", "desk"]


@pytest.mark.requirement(181)
def test_a_token_counts_once(alice: Identity, fake: FakeProvider) -> None:
    text = token(fake)
    assert sent(text) == 200
    logs_in(fake, sid="new")
    assert sent(text) == 200
    assert open_sessions() == ["other", "new"]
    assert sent(token(fake, jti="two")) == 200
    assert open_sessions() == ["other"]


@pytest.mark.requirement(181)
def test_an_own_login_of_the_person_stays(cast: Cast, alice: Identity, fake: FakeProvider) -> None:
    alice.user.username, alice.user.username_key = "own", "own"
    alice.user.set_password(PASSWORD)
    alice.user.save()
    log_in(alice.user)
    assert sent(token(fake)) == 200
    assert Session.objects.filter(user=alice.user, ended_at=None).count() == 1


@pytest.mark.requirement(181)
def test_another_organization_with_the_same_client_does_not_stop_a_logout(
    cast: Cast, alice: Identity, fake: FakeProvider
) -> None:
    """Client ids are no secrets: its manager may name that of Acme, with another algorithm."""
    Provider.objects.create(
        pk=-1,
        organization=cast.umbrella,
        issuer=fake.issuer,
        client_id=CLIENT["client_id"],
        algorithm="ES256",
        created_at=timezone.now(),
    )
    assert sent(token(fake)) == 200
    assert open_sessions() == ["other"]


@pytest.mark.requirement(181)
def test_a_logout_counts_later_when_the_keys_cannot_be_fetched_now(
    alice: Identity, fake: FakeProvider
) -> None:
    text = token(fake)
    for path in ("/keys", "/.well-known/openid-configuration"):
        documents.forget()
        fake.answers = {path: (500, b"down")}
        answer = Client().post(ADDRESS, {"logout_token": text})
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    documents.forget()
    fake.answers = {}
    assert sent(text) == 200
    assert open_sessions() == ["other"]


LONG_AGO = int(time.time()) - 86_400


@pytest.mark.requirement(182)
def test_a_wrong_token_ends_nothing(alice: Identity, fake: FakeProvider) -> None:
    wrong: list[dict[str, Any]] = [
        *({"iss": "https://other.example"}, {"aud": "another client"}, {"aud": None}),
        *({"iat": LONG_AGO}, {"iat": None}, {"exp": LONG_AGO}, {"jti": None}, {"jti": ""}),
        *({"nonce": "of an ID token"}, {"nonce": 0}, {"sub": None}, {"sub": 7}),
        *(
            {"events": None},
            {"events": {"http://schemas.openid.net/event/other": {}}},
            {"events": {EVENT: 1}},
        ),
        *({"kid": "stranger"}, {"header": {"typ": "at+jwt"}}),
    ]
    for said in wrong:
        assert sent(token(fake, **said)) == 400, said
    for text in ("", "a.b.c", "x" * 20_000, token(fake)[:-4] + "AAAA"):
        assert sent(text) == 400
    fake.says(fake.claims("?nonce=n"))
    assert sent(fake.id_token) == 400
    assert open_sessions() == ["other", "desk", "phone"]


@pytest.mark.requirement(182)
def test_strangers_send_a_limited_number(alice: Identity, fake: FakeProvider) -> None:
    asked = fake.asked.copy()
    answers = [sent(token(fake, kid="stranger")) for _ in range(61)]
    assert set(answers[:50]) == {400} and answers[-1] == 429
    assert (fake.asked - asked).total() == 0  # the keys were fetched less than a minute ago
