"""Logins with a passkey: without a password, and after it."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from accounts.models import Organization, Passkey, SecondFactor, SecondFactorRecovery, Session
from accounts.passkeys.questions import Browser
from accounts.passkeys.verification import Answer
from accounts.sessions.browser.login import LONGEST
from accounts.sessions.passkey_login import open_session_with_passkey
from audit.actors import Origin
from audit.models import Event
from tests.accounts.authenticator import attempt, enrolled
from tests.accounts.passkeys.authenticator import (
    PRESENT,
    Authenticator,
    added,
    asked_at,
    asked_in,
    at_localhost,
    browser,
    logged_in,
    with_passkey,
)
from tests.conftest import PASSWORD, Cast
from tests.console.helpers import SECURITY

LOGIN = "/account/login"
DOORS = (LOGIN, "/admin/login/", "/api/v1/auth/oauth2/login")
WRONG = "The passkey was not accepted."


@pytest.mark.parametrize("door", DOORS)
def test_a_passkey_logs_in_without_a_password_at_every_door(door: str, cast: Cast) -> None:
    key, client = with_passkey(cast.ada), browser()
    asked = asked_at(client, door)
    assert (asked["allowCredentials"], asked["userVerification"]) == ([], "required")
    answer = client.post(door, {"passkey": key.signed(asked)})
    assert answer.status_code == 302
    session = Session.objects.filter(user=cast.ada).latest("pk")
    assert session.second_factor and session.ended_at is None
    assert (client.get(SECURITY).status_code, client.get("/admin/").status_code) == (200, 200)
    event = Event.objects.filter(name="login:succeeded").latest("sequence")
    assert (event.actor_id, event.detail) == (str(cast.ada.uuid), {"second_factor": "passkey"})
    assert Passkey.objects.get().last_used_at is not None


def test_a_login_with_a_passkey_remembers_where_it_was_opened_and_ends_as_browsers_do(cast: Cast) -> None:
    key, client = with_passkey(cast.ada), browser()
    sent = {"passkey": key.signed(asked_at(client))}
    client.post(LOGIN, sent, REMOTE_ADDR="192.0.2.7", headers={"User-Agent": "curl/8"})
    session = Session.objects.filter(user=cast.ada).latest("pk")
    assert (session.ip, session.user_agent) == ("192.0.2.7", "curl/8")
    assert session.expires_at == session.created_at + LONGEST


@pytest.mark.requirement(179)
def test_a_passkey_of_a_person_for_whom_an_organization_vouches_counts_as_its_login(cast: Cast) -> None:
    key, client = with_passkey(cast.ada), browser()
    signed = key.signed(asked_at(client))
    Organization.objects.filter(pk=cast.acme.pk).update(requires_provider=True)
    opened = open_session_with_passkey(
        answer=Answer(signed, Browser(client.cookies[settings.CSRF_COOKIE_NAME].value)),
        origin=Origin.here(),
        user_agent="",
        longest=LONGEST,
        vouched_by=cast.acme,
    )
    assert opened.organization == cast.acme


@pytest.mark.requirement(99)
def test_while_a_second_factor_is_removed_an_old_passkey_stops_that_and_a_newer_one_does_not_log_in(
    cast: Cast,
) -> None:
    key, now = with_passkey(cast.ada), timezone.now()
    SecondFactorRecovery.objects.create(
        device=SecondFactor.objects.get(), started_at=now, ends_at=now + timedelta(days=7)
    )
    client = browser()
    assert client.post(LOGIN, {"passkey": key.signed(asked_at(client))}).status_code == 403
    refused = Event.objects.latest("sequence")
    assert refused.detail == {"reason": "second factor is being removed"}
    Passkey.objects.update(created_at=now - timedelta(days=30))
    assert logged_in(key).get(SECURITY).status_code == 200
    stopped = Event.objects.get(name="second_factor_recovery:stopped")
    assert (stopped.actor_id, stopped.detail) == (str(cast.ada.uuid), {"by": "passkey"})
    assert not SecondFactorRecovery.objects.exists()


def test_a_login_leads_back_to_the_page_that_asked(cast: Cast) -> None:
    key, client = with_passkey(cast.ada), browser()
    form = {"passkey": key.signed(asked_at(client)), "next": "/account/sessions"}
    assert client.post(LOGIN, form)["Location"] == "/account/sessions"


def test_a_password_alone_is_not_enough_and_the_passkey_completes_it(cast: Cast) -> None:
    key, client = with_passkey(cast.ada), browser()
    answer = client.post(LOGIN, {"identifier": "ada", "password": PASSWORD})
    shown = answer.content.decode()
    assert answer.status_code == 401 and "Use your passkey. Or type your password again" in shown
    assert "data-offers" not in shown and "Log in with a passkey" not in shown  # one button, above the form
    asked = asked_in(answer)
    assert [each["id"] for each in asked["allowCredentials"]]
    key.flags = PRESENT  # after a password, touching it is enough
    assert client.post(LOGIN, {"passkey": key.signed(asked)}).status_code == 302
    assert Session.objects.filter(user=cast.ada).latest("pk").second_factor


def test_a_passkey_that_verifies_nobody_does_not_log_in_alone(cast: Cast) -> None:
    key, client = with_passkey(cast.ada, flags=PRESENT), browser()
    answer = client.post(LOGIN, {"passkey": key.signed(asked_at(client))})
    assert answer.status_code == 401 and "did not check a PIN" in answer.content.decode()
    assert Event.objects.latest("sequence").detail == {"reason": "passkey without user verification"}


def test_the_api_wants_a_code_of_a_person_with_a_passkey(cast: Cast) -> None:
    codes = added(at_localhost(cast.ada), Authenticator())
    assert (len(codes), attempt(cast.ada).json()["code"]) == (10, "totp_required")
    assert attempt(cast.ada, totp_code=codes[0]).status_code == 200
    assert attempt(cast.ada, totp_code=codes[0]).status_code == 401


def test_an_app_and_a_passkey_work_side_by_side(cast: Cast) -> None:
    app = enrolled(cast.ada)
    client = browser()
    form = {"identifier": "ada", "password": PASSWORD, "totp_code": app.recovery_codes[0]}
    assert client.post(LOGIN, form).status_code == 302
    key = Authenticator()
    assert added(client, key, code=app.recovery_codes[1]) == []  # the codes of the app stay
    assert client.get(SECURITY).status_code == 200
    assert logged_in(key).get("/admin/").status_code == 200
    assert attempt(cast.ada, totp_code=app.recovery_codes[2]).status_code == 200


@pytest.mark.requirement(17)
def test_an_answer_is_good_once(cast: Cast) -> None:
    key, client = with_passkey(cast.ada), browser()
    sent = key.signed(asked_at(client))
    other = browser()
    other.cookies[settings.CSRF_COOKIE_NAME] = client.cookies[settings.CSRF_COOKIE_NAME].value
    assert client.post(LOGIN, {"passkey": sent}).status_code == 302
    answer = other.post(LOGIN, {"passkey": sent})
    assert answer.status_code == 400 and "was sent before" in answer.content.decode()
    assert 'name="password"' in answer.content.decode()  # there is another way in


@pytest.mark.requirement(8)
def test_an_unknown_passkey_and_a_wrong_signature_get_the_same_answer(cast: Cast) -> None:
    key = with_passkey(cast.ada)
    impostor = Authenticator(number=2)
    impostor.id = key.id
    answers = []
    for wrong in (impostor, Authenticator(number=3)):
        client = browser()
        answer = client.post(LOGIN, {"passkey": wrong.signed(asked_at(client))})
        answers.append((answer.status_code, WRONG in answer.content.decode()))
    assert answers == [(401, True)] * 2
    cast.ada.is_active = False
    cast.ada.save()
    client = browser()
    answer = client.post(LOGIN, {"passkey": key.signed(asked_at(client))})
    assert (answer.status_code, WRONG in answer.content.decode()) == (401, True)
    recorded = Event.objects.filter(name="login:failed").order_by("sequence")
    ada = [f"user:{cast.ada.uuid}"]
    assert [(each.detail, each.subjects, each.ip) for each in recorded] == [
        ({"reason": "wrong passkey"}, ada, "127.0.0.1"),
        ({"reason": "unknown passkey"}, [], "127.0.0.1"),
        ({"reason": "inactive"}, ada, "127.0.0.1"),
    ]
