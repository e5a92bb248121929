"""Logging in with a second factor: which codes work, how often, and the errors for the others."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from access.principals import Caller, Credential
from accounts.mail.delivery import send_due
from accounts.models import RecoveryCode, SecondFactor, Session
from accounts.second_factor.services import remove_second_factors
from accounts.second_factor.verification import check_code
from accounts.users.changes import UserChanges
from accounts.users.lookups import lock
from accounts.users.principals import principal_of_session
from accounts.users.services import set_password, update_user
from audit.models import Event
from tests.accounts.authenticator import App, attempt, enrolled, let_codes_be_good_again, logged_in
from tests.accounts.helpers import at_once, origin_at, rows_are_locked, waiting
from tests.accounts.mailbox import Mailbox, token_in
from tests.accounts.passkeys.authenticator import with_passkey
from tests.conftest import PASSWORD, Api, Cast, as_user, assert_problem

NEW = "another walk to another lighthouse"
WRONG = "The name or the password is wrong."


def reason() -> Any:
    return Event.objects.filter(name="login:failed").latest("sequence").detail


def test_without_a_second_factor_a_code_is_not_looked_at(cast: Cast) -> None:
    for code in ("", "123456", "anything"):
        assert attempt(cast.alice, totp_code=code).status_code == 200


@pytest.mark.parametrize("more", [{}, {"totp_code": ""}, {"totp_code": "  "}])
def test_a_right_password_without_a_code_is_told_what_to_send(cast: Cast, more: dict[str, str]) -> None:
    enrolled(cast.alice)
    answer = attempt(cast.alice, **more)
    problem = assert_problem(answer, 401, "totp_required", "totp_code")
    assert "authenticator app" in problem["detail"]
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="Keyhouse"'
    assert reason() == {"reason": "no code"}
    assert not Session.objects.exists()


@pytest.mark.parametrize("code", ["000000", "\u0660" * 6, "-00001", "x", "0000-0000-0000-0000", "é" * 64])
def test_a_wrong_code_gets_the_answer_of_a_wrong_password(cast: Cast, code: str) -> None:
    enrolled(cast.alice)
    body = {"username": "alice", "password": "not the password", "totp_code": code}
    expected = assert_problem(Api().post("auth/login", body), 401, "invalid_credentials")
    assert assert_problem(attempt(cast.alice, totp_code=code), 401, "invalid_credentials") == expected
    assert reason() == {"reason": "wrong code"}
    assert not Session.objects.exists()


@pytest.mark.parametrize("value", ["1" * 5000, 123456, None, ["123456"], {"code": "123456"}, "\0", "\ud800"])
def test_what_cannot_be_a_code_is_refused_by_name(cast: Cast, value: Any) -> None:
    enrolled(cast.alice)
    assert_problem(attempt(cast.alice, totp_code=value), 400, "invalid", "totp_code")


def test_a_wrong_password_spends_no_code_and_does_not_ask_for_one(cast: Cast) -> None:
    app = enrolled(cast.alice)
    for code in ("", app.code(), app.recovery_codes[0]):
        body = {"username": "alice", "password": "not the password", "totp_code": code}
        assert_problem(Api().post("auth/login", body), 401, "invalid_credentials")
    assert (RecoveryCode.objects.count(), attempt(cast.alice, totp_code=app.code()).status_code) == (10, 200)


def test_a_code_may_be_typed_as_the_app_shows_it(cast: Cast) -> None:
    code = enrolled(cast.alice).code()
    assert attempt(cast.alice, totp_code=f"{code[:3]} {code[3:]}").status_code == 200


@pytest.mark.parametrize("zero", ["\uff10", "\u0660", "\u06f0", "\u0966"])
@pytest.mark.requirement(17)
def test_a_code_in_other_digits_is_good_once_however_it_is_typed(cast: Cast, zero: str) -> None:
    code = enrolled(cast.alice).code()
    typed = "".join(chr(ord(zero) + int(digit)) for digit in code)
    assert attempt(cast.alice, totp_code=typed).status_code == 200
    for again in (typed, code, f" {typed[:3]} {code[3:]}"):
        assert_problem(attempt(cast.alice, totp_code=again), 401, "invalid_credentials")


@pytest.mark.requirement(17)
def test_a_code_is_good_once(cast: Cast) -> None:
    code = enrolled(cast.alice).code()
    assert attempt(cast.alice, totp_code=code).status_code == 200
    assert_problem(attempt(cast.alice, totp_code=code), 401, "invalid_credentials")


@pytest.mark.requirement(17)
def test_after_a_code_none_from_before_it_is_good(cast: Cast) -> None:
    app, now = enrolled(cast.alice), datetime.now(UTC)
    for steps, is_good in ((0, True), (-1, False), (0, False)):
        code = app.code(now, steps=steps)
        assert bool(check_code(user=cast.alice, code=code, origin=origin_at(now))) is is_good
    assert SecondFactor.objects.get().last_used_at == now


@pytest.mark.requirement(18)
def test_a_code_more_than_one_step_old_does_not_let_in(cast: Cast) -> None:
    app, now = enrolled(cast.alice), datetime.now(UTC)
    for steps in (-2, -3, 1, 2):
        code = app.code(now, steps=steps)
        assert check_code(user=cast.alice, code=code, origin=origin_at(now)) is None
    code = app.code(now, steps=-1)
    spent = check_code(user=cast.alice, code=code, origin=origin_at(now))
    assert spent is not None and spent.kind == "totp"
    assert_problem(attempt(cast.alice, totp_code=app.code(steps=-4)), 401, "invalid_credentials")


@pytest.mark.django_db(transaction=True)
@pytest.mark.requirement(17)
def test_when_eight_use_a_code_at_once_one_gets_in(cast: Cast) -> None:
    code = enrolled(cast.alice).code()
    statuses = at_once(lambda number: attempt(cast.alice, totp_code=code).status_code, times=8)
    assert sorted(statuses) == [200] + [401] * 7
    assert Session.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.requirement(21)
def test_when_eight_use_a_recovery_code_at_once_one_gets_in(cast: Cast) -> None:
    code = enrolled(cast.alice).recovery_codes[0]
    statuses = at_once(lambda number: attempt(cast.alice, totp_code=code).status_code, times=8)
    assert sorted(statuses) == [200] + [401] * 7
    assert RecoveryCode.objects.count() == 9


@pytest.mark.requirement(21)
def test_each_recovery_code_lets_in_once(cast: Cast, tried_often: None) -> None:
    app = enrolled(cast.alice)
    for code in app.recovery_codes:
        assert attempt(cast.alice, totp_code=code.upper().replace("-", " ")).status_code == 200
        assert_problem(attempt(cast.alice, totp_code=code), 401, "invalid_credentials")
    assert not RecoveryCode.objects.exists()
    assert attempt(cast.alice, totp_code=app.code()).status_code == 200


@pytest.mark.requirement(21)
def test_the_recovery_codes_of_others_let_nobody_in(cast: Cast) -> None:
    enrolled(cast.alice)
    theirs = enrolled(cast.bob)
    assert_problem(attempt(cast.alice, totp_code=theirs.recovery_codes[0]), 401)
    assert_problem(attempt(cast.alice, totp_code=theirs.code()), 401)
    assert RecoveryCode.objects.count() == 20
    assert attempt(cast.bob, totp_code=theirs.code()).status_code == 200


def test_the_log_says_what_somebody_came_in_with(cast: Cast) -> None:
    app = enrolled(cast.alice)
    attempt(cast.alice, totp_code=app.code())
    attempt(cast.alice, totp_code=app.recovery_codes[0])
    attempt(cast.bob)
    details = [event.detail for event in Event.objects.filter(name="login:succeeded").order_by("sequence")]
    assert details == [{"second_factor": "totp"}, {"second_factor": "recovery code"}, {}]


def test_a_session_remembers_whether_a_second_factor_was_proven_and_keeps_that(cast: Cast) -> None:
    app = enrolled(cast.alice)
    pair = attempt(cast.alice, totp_code=app.code()).json()
    assert Api().post("auth/refresh", {"refresh_token": pair["refresh_token"]}).status_code == 200
    as_user(cast.bob)
    for user, is_proven in ((cast.alice, True), (cast.bob, False)):
        session = Session.objects.get(user=user)
        found = principal_of_session(Credential("jwt", str(session.uuid)), datetime.now(UTC))
        assert found is not None
        assert session.second_factor is found[0].second_factor is is_proven


def test_the_session_in_which_it_is_confirmed_counts_and_the_others_end(cast: Cast) -> None:
    other, here = as_user(cast.bob), as_user(cast.bob)
    secret = here.post("auth/totp", {"password": PASSWORD}).json()["secret"]
    assert here.post("auth/totp/confirm", {"code": App(secret, []).code()}).status_code == 200
    assert other.get("auth/me").status_code == 401
    proven = Session.objects.order_by("pk").values_list("second_factor", flat=True)
    assert list(proven) == [False, True]


@rows_are_locked
@pytest.mark.django_db(transaction=True)
def test_a_login_has_proven_no_second_factor_that_is_removed_after_the_code_was_checked(
    cast: Cast, operator: Caller
) -> None:
    app = enrolled(cast.alice)
    with waiting(
        lambda: attempt(cast.alice, totp_code=app.code()), holding=lambda: lock(cast.alice)
    ) as answer:
        remove_second_factors(caller=operator, selected=[cast.alice])
    assert answer.result().status_code == 200
    assert not Session.objects.get().second_factor


@rows_are_locked
@pytest.mark.django_db(transaction=True)
def test_nor_has_a_login_to_the_admin_proven_the_one_that_took_its_place(
    cast: Cast, operator: Caller
) -> None:
    browser, form = (
        Api().client,
        {"username": "ada", "password": PASSWORD, "totp_code": enrolled(cast.ada).code()},
    )
    with waiting(
        lambda: browser.post("/admin/login/?next=/admin/", form), holding=lambda: lock(cast.ada)
    ) as answer:
        remove_second_factors(caller=operator, selected=[cast.ada])
        SecondFactor.objects.create(user=cast.ada, seed=b"of another app", confirmed=True)
    assert answer.result().status_code == 302
    assert browser.get("/admin/").headers["Location"].startswith("/admin/login/")


@pytest.mark.requirement(25)
def test_a_password_reset_does_not_skip_the_second_factor(cast: Cast, mailbox: Mailbox) -> None:
    app = enrolled(cast.alice)
    Api().post("auth/forgot-password", {"email": "alice@example.org"})
    send_due()
    token = token_in(mailbox.mails[-1])
    assert Api().post("auth/reset-password", {"token": token, "new_password": NEW}).status_code == 200
    body = {"username": "alice", "password": NEW}
    assert_problem(Api().post("auth/login", body), 401, "totp_required")
    assert Api().post("auth/login", body | {"totp_code": app.code()}).status_code == 200


@pytest.mark.requirement(25)
def test_nor_does_a_password_that_an_administrator_gives(cast: Cast, operator: Caller) -> None:
    enrolled(cast.alice)
    set_password(caller=operator, user=cast.alice, password=NEW)
    assert_problem(Api().post("auth/login", {"username": "alice", "password": NEW}), 401, "totp_required")


def test_a_code_does_not_let_a_deactivated_person_in(cast: Cast, operator: Caller) -> None:
    app = enrolled(cast.alice)
    update_user(caller=operator, user=cast.alice, changes=UserChanges(is_active=False))
    assert_problem(attempt(cast.alice, totp_code=app.code()), 401, "invalid_credentials")
    assert_problem(attempt(cast.alice, totp_code=app.recovery_codes[0]), 401, "invalid_credentials")
    assert RecoveryCode.objects.count() == 10
    update_user(caller=operator, user=cast.alice, changes=UserChanges(is_active=True))
    assert attempt(cast.alice, totp_code=app.code()).status_code == 200


def test_keys_of_seeds_rotate_and_a_seed_that_is_used_moves_to_the_current_one(
    cast: Cast, settings: Settings
) -> None:
    app, old = enrolled(cast.alice), settings.SEED_KEYS
    settings.SEED_KEYS = {**old, max(old) + 1: bytes(range(32))}
    assert attempt(cast.alice, totp_code=app.code()).status_code == 200
    settings.SEED_KEYS = {max(old) + 1: bytes(range(32))}
    let_codes_be_good_again()
    assert attempt(cast.alice, totp_code=app.code()).status_code == 200


def test_where_the_key_of_a_seed_is_gone_recovery_codes_still_let_in(
    cast: Cast, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    app = enrolled(cast.alice)
    settings.SEED_KEYS = {9: bytes(range(32))}
    assert_problem(attempt(cast.alice, totp_code=app.code()), 401, "invalid_credentials")
    assert "second factor of alice is encrypted under none of KEYHOUSE_SEED_KEYS" in caplog.text
    assert attempt(cast.alice, totp_code=app.recovery_codes[0]).status_code == 200


def test_the_log_misses_no_key_for_a_person_who_never_had_an_app(
    cast: Cast, caplog: pytest.LogCaptureFixture
) -> None:
    with_passkey(cast.alice)
    assert_problem(attempt(cast.alice, totp_code="123456"), 401, "invalid_credentials")
    assert "KEYHOUSE_SEED_KEYS" not in caplog.text


def test_recovery_codes_outlive_a_new_pepper(cast: Cast, settings: Settings) -> None:
    app = enrolled(cast.alice)
    settings.PEPPERS = {**settings.PEPPERS, 77: bytes(range(32))}
    assert attempt(cast.alice, totp_code=app.recovery_codes[0]).status_code == 200


def test_a_device_is_one_for_each_person(cast: Cast) -> None:
    app = enrolled(cast.alice)
    assert_problem(logged_in(cast.alice, app).post("auth/totp", {"password": PASSWORD}), 409)
    assert SecondFactor.objects.filter(user=cast.alice).count() == 1
