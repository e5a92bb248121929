"""Attempts at codes and own passwords count per person, across all endpoints and pages."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from accounts.models import Mail
from accounts.second_factor.replacing import begin_replacement, confirm_replacement
from audit.models import Event
from config.limits import DEFAULTS, Limit
from config.wire.errors import Invalid, TooManyAttempts
from tests.accounts.authenticator import App, attempt, caller_at, enrolled, logged_in
from tests.admin.helpers import page
from tests.conftest import PASSWORD, Api, Cast, as_user, assert_problem

MOST_CODES = DEFAULTS[Limit.CODE].account
MOST_PROOFS = DEFAULTS[Limit.OWN_PASSWORD].account
MOST_ADDRESSES = DEFAULTS[Limit.EMAIL_CHANGE].account
WRONG = "000000"


def too_many(answer: Any) -> None:
    assert_problem(answer, 429, "too_many_attempts")
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.requirement(24)
def test_wrong_codes_are_counted_across_logins_and_addresses(cast: Cast) -> None:
    app = enrolled(cast.alice)
    body = {"username": "alice", "password": PASSWORD, "totp_code": WRONG}
    for number in range(MOST_CODES):
        assert Api().post("auth/login", body, REMOTE_ADDR=f"192.0.2.{number}").status_code == 401
    too_many(attempt(cast.alice, totp_code=app.code()))
    too_many(attempt(cast.alice, totp_code=app.recovery_codes[0]))
    [event] = Event.objects.filter(name="attempt:throttled")
    assert (event.subjects, event.detail["limit"]) == ([f"user:{cast.alice.uuid}"], "code")
    theirs = enrolled(cast.bob)
    assert attempt(cast.bob, totp_code=theirs.code()).status_code == 200


@pytest.mark.requirement(24)
def test_codes_of_a_login_and_of_a_change_share_one_count(cast: Cast) -> None:
    app = enrolled(cast.alice)
    person = logged_in(cast.alice, app)
    for _ in range(MOST_CODES):
        attempt(cast.alice, totp_code=WRONG)
    proof = {"password": PASSWORD, "code": app.recovery_codes[0]}
    too_many(person.post("auth/totp/recovery-codes", proof))
    too_many(person.delete("auth/totp", data=proof, content_type="application/json"))
    assert person.get("auth/me").status_code == 200


@pytest.mark.requirement(24)
def test_codes_of_a_new_app_share_that_count_and_right_ones_are_not_counted(cast: Cast) -> None:
    caller, code = caller_at(cast.alice, datetime.now(UTC)), enrolled(cast.alice).recovery_codes[0]
    begun = begin_replacement(caller=caller, password=PASSWORD, code=code)
    for _ in range(MOST_CODES - 1):
        with pytest.raises(Invalid):
            confirm_replacement(caller=caller, code=WRONG)
    codes = confirm_replacement(caller=caller, code=App(begun.secret, []).code())
    begin_replacement(caller=caller, password=PASSWORD, code=codes[0])
    with pytest.raises(Invalid):
        confirm_replacement(caller=caller, code=WRONG)
    with pytest.raises(TooManyAttempts):
        confirm_replacement(caller=caller, code=WRONG)
    event = Event.objects.latest("sequence")
    assert (event.name, event.subjects) == ("attempt:throttled", [f"user:{cast.alice.uuid}"])
    too_many(attempt(cast.alice, totp_code=codes[1]))


@pytest.mark.requirement(21)
def test_recovery_codes_are_rate_limited_as_codes_are(cast: Cast) -> None:
    app = enrolled(cast.alice)
    for _ in range(MOST_CODES):
        assert attempt(cast.alice, totp_code="0000-0000-0000-0000").status_code == 401
    too_many(attempt(cast.alice, totp_code=app.recovery_codes[0]))


@pytest.mark.requirement(77)
def test_the_admin_counts_codes_with_the_api(cast: Cast) -> None:
    app = enrolled(cast.ada)
    for _ in range(MOST_CODES):
        attempt(cast.ada, totp_code=WRONG)
    form = {"username": "ada", "password": PASSWORD, "totp_code": app.code()}
    answer = Client().post(page("login"), form)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


def test_proofs_of_ones_own_password_share_one_count(cast: Cast) -> None:
    person = as_user(cast.alice)
    for _ in range(MOST_PROOFS):
        assert person.post("auth/totp", {"password": "wrong"}).status_code == 403
    too_many(person.post("auth/totp", {"password": PASSWORD}))
    too_many(
        person.post(
            "auth/change-password", {"current_password": PASSWORD, "new_password": "a new harbour light"}
        )
    )
    too_many(person.post("auth/change-email", {"new_email": "new@example.org", "current_password": PASSWORD}))


def test_changes_of_address_mail_only_so_often(cast: Cast) -> None:
    person = as_user(cast.alice)
    for number in range(MOST_ADDRESSES):
        body = {"new_email": f"a{number}@example.org", "current_password": PASSWORD}
        assert person.post("auth/change-email", body).status_code == 202
    queued = Mail.objects.count()
    too_many(person.post("auth/change-email", {"new_email": "new@example.org", "current_password": PASSWORD}))
    assert Mail.objects.count() == queued
