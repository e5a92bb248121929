"""What a program may do now, asked for without its key or token."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.utils import timezone

from access import credential_lookup
from access.credentials import Presented
from access.key_limits import Rate
from access.principals import Credential, Principal
from accounts.models import User
from accounts.models.sessions import idle_time
from audit.actors import Origin
from gateway.check import authenticate
from oauth.models import Consent
from tests.accounts.authenticator import enrolled
from tests.conftest import Cast, make_key
from tests.oauth.flow import Flow, machine_token, make_client

NOW = timezone.now()
LIMITS: dict[str, Any] = {
    "allowed_networks": ["192.0.2.0/24"],
    "rate_limit": Rate(9, 60),
    "expires_at": NOW + timedelta(days=1),
}


def of_consent(cast: Cast) -> str:
    client = make_client("services:read", "services:write", "openid")
    token: str = Flow(client, cast.alice, scope="services:read openid").tokens()["access_token"]
    return token


def of_consent_with_second_factor(cast: Cast) -> str:
    app, flow = enrolled(cast.bob), Flow(make_client("services:read"), cast.bob)
    assert flow.log_in(flow.address(), totp_code=app.code()).status_code == 302
    token: str = flow.tokens()["access_token"]
    return token


PROGRAMS: dict[str, Callable[[Cast], str]] = {
    "a key of a person": lambda cast: make_key(cast.bob, "services:write", **LIMITS).text,
    "a key of an organization": lambda cast: make_key(cast.acme, "services:read").text,
    "a client with a consent": of_consent,
    "a client with a consent that a second factor backs": of_consent_with_second_factor,
    "a machine of a person": lambda cast: machine_token(make_client(owner=cast.bob))["access_token"],
    "a machine of an organization": lambda cast: machine_token(make_client(owner=cast.acme))["access_token"],
}


def shown(text: str) -> Principal:
    """Return who shows a key or an access token."""
    is_key = text.startswith("kh_live_")
    return authenticate(Presented(text, is_key=is_key), Origin("192.0.2.7", "", NOW))


def now_of(credential: Credential) -> Principal | None:
    with transaction.atomic():
        return credential_lookup.principal_now(credential, NOW)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_may_do_the_same_whether_or_not_it_shows_its_credential(cast: Cast, program: str) -> None:
    by_credential = shown(PROGRAMS[program](cast))
    found = now_of(by_credential.credential)
    assert found is not None
    assert replace(found, credential=by_credential.credential) == by_credential
    expires_at = found.credential.expires_at
    of_token: dict[str, Any] = {"token": 0, "expires_at": expires_at, "identity_scopes": frozenset()}
    without_token: dict[str, Any] = of_token if found.credential.kind == "oauth2" else {}
    assert found.credential == replace(by_credential.credential, **without_token)


def test_each_consent_gives_the_power_of_its_own_person(cast: Cast) -> None:
    programs = {of_consent(cast): cast.alice, of_consent_with_second_factor(cast): cast.bob}
    for text, user in programs.items():
        credential = shown(text).credential
        found = now_of(credential)
        assert found is not None
        assert (found.user_id, found.second_factor) == (user.pk, user == cast.bob)
        assert found.credential.id == credential.id


def test_a_consent_ends_with_its_time_or_when_its_client_is_idle_for_too_long(cast: Cast) -> None:
    credential = shown(of_consent(cast)).credential
    soon, late = NOW + timedelta(hours=1), NOW + timedelta(days=1000)
    for expires, used, ends in (
        (soon, NOW, soon),
        (late, NOW, NOW + idle_time()),
        (NOW, NOW, None),
        (late, NOW - idle_time(), None),
    ):
        Consent.objects.update(expires_at=expires, last_used_at=used)
        found = now_of(credential)
        assert (found and found.credential.expires_at) == ends


@pytest.mark.parametrize("program", ["a client with a consent", "a machine of a person", "a key of a person"])
def test_a_program_of_somebody_inactive_may_do_nothing(cast: Cast, program: str) -> None:
    credential = shown(PROGRAMS[program](cast)).credential
    User.objects.filter(pk__in=[cast.alice.pk, cast.bob.pk]).update(is_active=False)
    assert now_of(credential) is None


def test_a_client_that_only_people_use_may_do_nothing_by_itself(cast: Cast) -> None:
    client = make_client("services:read").row
    assert now_of(Credential("oauth2", str(client.uuid))) is None


@pytest.mark.parametrize("kind", ["key", "oauth2"])
def test_a_program_that_is_gone_may_do_nothing(db: None, kind: str) -> None:
    assert now_of(Credential(kind, str(UUID(int=1)))) is None  # type: ignore[arg-type]
