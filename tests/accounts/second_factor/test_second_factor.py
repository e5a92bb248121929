"""Adding a second factor, confirming it, removing it: over HTTP, by administrators, by the command line."""

from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

import pytest
from django.core.management import call_command

from access.principals import Caller
from accounts.mail.delivery import send_due
from accounts.models import RecoveryCode, SecondFactor, Session
from accounts.second_factor import seed_encryption, totp
from accounts.second_factor.services import begin_enrolment, confirm_enrolment, remove_second_factors
from accounts.users.changes import UserChanges
from accounts.users.services import delete_user, update_user
from audit.models import Event
from config.wire.errors import Conflict, Invalid, WrongProof
from tests.accounts.authenticator import (
    App,
    attempt,
    caller_at,
    enrolled,
    let_codes_be_good_again,
    logged_in,
    secret_in,
)
from tests.accounts.helpers import at_once, rows_are_locked, waiting
from tests.accounts.mailbox import Mailbox, html, plain
from tests.conftest import PASSWORD, Api, Cast, as_user, assert_problem, make_key, with_key

WRONG = "not the password at all"
SUBJECT = "The second factor of your account at Keyhouse was changed"


def begin(api: Api, password: str = PASSWORD) -> Any:
    return api.post("auth/totp", {"password": password})


def confirm(api: Api, code: str) -> Any:
    return api.post("auth/totp/confirm", {"code": code})


def remove(api: Api, code: str, password: str = PASSWORD) -> Any:
    body = {"password": password, "code": code}
    return api.delete("auth/totp", data=body, content_type="application/json")


def other_codes(api: Api, code: str, password: str = PASSWORD) -> Any:
    return api.post("auth/totp/recovery-codes", {"password": password, "code": code})


def events() -> list[str]:
    names = Event.objects.order_by("sequence").values_list("name", flat=True)
    return [name for name in names if name.startswith(("second_factor", "recovery_codes"))]


def test_a_person_adds_an_app_and_from_then_on_logs_in_with_its_codes(cast: Cast) -> None:
    api = as_user(cast.alice)
    begun = begin(api)
    assert (begun.status_code, list(begun.json())) == (200, ["secret", "otpauth_uri", "qr_svg"])
    app = App(begun.json()["secret"], [])
    assert secret_in(begun.json()["otpauth_uri"]) == app.secret
    confirmed = confirm(api, app.code())
    assert (confirmed.status_code, list(confirmed.json())) == (200, ["recovery_codes"])
    assert len(set(confirmed.json()["recovery_codes"])) == 10
    assert_problem(attempt(cast.alice), 401, "totp_required", "totp_code")
    let_codes_be_good_again()
    assert attempt(cast.alice, totp_code=app.code()).status_code == 200
    assert events() == ["second_factor:started", "second_factor:added"]


def test_the_qr_code_is_an_svg_that_a_strict_page_can_show(cast: Cast) -> None:
    svg = begin(as_user(cast.alice)).json()["qr_svg"]
    root = ElementTree.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    names = {each.tag.rpartition("}")[2] for each in root.iter()}
    assert names == {"svg", "g", "path"}
    assert not [
        each for each in root.iter() for name in each.attrib if name == "style" or name.startswith("on")
    ]


def test_answers_with_secrets_are_stored_by_no_cache(cast: Cast) -> None:
    api = as_user(cast.alice)
    begun = begin(api)
    confirmed = confirm(api, App(begun.json()["secret"], []).code())
    assert begun.headers["Cache-Control"] == confirmed.headers["Cache-Control"] == "no-store"


@pytest.mark.requirement(23)
def test_nothing_is_in_force_until_a_code_is_confirmed(cast: Cast) -> None:
    begin(as_user(cast.alice))
    assert attempt(cast.alice).status_code == 200
    assert attempt(cast.alice, totp_code="000000").status_code == 200


@pytest.mark.requirement(23)
def test_the_seed_is_never_shown_again(cast: Cast) -> None:
    app = enrolled(cast.alice)
    api = logged_in(cast.alice, app)
    assert_problem(begin(api), 409, "conflict", "totp")
    for path in ("auth/me", "auth/sessions", "auth/totp", "auth/totp/confirm", "auth/totp/recovery-codes"):
        assert app.secret not in api.get(path).content.decode()
    administrator = as_user(cast.ada)
    for path in ("users", f"users/{cast.alice.uuid}", "audit"):
        assert app.secret not in administrator.get(path).content.decode()


@pytest.mark.requirement(19, 20)
def test_neither_seed_nor_recovery_codes_are_in_a_dump(cast: Cast, tmp_path: Any) -> None:
    app = enrolled(cast.alice)
    dump = tmp_path / "dump.json"
    call_command("dumpdata", "accounts", "audit", output=str(dump), verbosity=0)
    text = dump.read_text()
    assert "accounts.secondfactor" in text and "accounts.recoverycode" in text
    codes = [form for code in app.recovery_codes for form in (code, code.replace("-", ""))]
    assert not [secret for secret in (app.secret, *codes) if secret in text]
    assert {len(bytes(row.digest)) for row in RecoveryCode.objects.all()} == {32}


def test_no_secret_is_logged(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    app = enrolled(cast.alice)
    code = app.code()
    attempt(cast.alice, totp_code=code)
    attempt(cast.alice, totp_code=code)
    assert not [secret for secret in (app.secret, code, *app.recovery_codes) if secret in caplog.text]


@pytest.mark.requirement(22)
def test_without_the_password_nothing_is_begun_removed_or_made_anew(cast: Cast) -> None:
    app = enrolled(cast.alice)
    api = logged_in(cast.alice, app)
    recovery = app.recovery_codes[0]
    assert_problem(begin(as_user(cast.bob), WRONG), 403, "wrong_proof")
    assert_problem(remove(api, recovery, WRONG), 403, "wrong_proof")
    assert_problem(other_codes(api, recovery, WRONG), 403, "wrong_proof")
    assert SecondFactor.objects.filter(confirmed=True).count() == 1
    assert RecoveryCode.objects.count() == 10  # a wrong password spends no code
    refused = Event.objects.filter(name="second_factor:refused")
    assert [event.detail for event in refused] == [{"reason": "wrong password"}] * 3


@pytest.mark.parametrize("code", ["000000", "\u0660" * 6, "x", "0000-0000-0000-0000"])
@pytest.mark.requirement(22)
def test_without_a_right_code_nothing_is_removed_or_made_anew(cast: Cast, code: str) -> None:
    api = logged_in(cast.alice, enrolled(cast.alice))
    assert_problem(remove(api, code), 403, "wrong_proof")
    assert_problem(other_codes(api, code), 403, "wrong_proof")
    assert (SecondFactor.objects.count(), RecoveryCode.objects.count()) == (1, 10)
    assert Event.objects.latest("sequence").detail == {"reason": "wrong code"}


@pytest.mark.parametrize("value", ["", None, 7, ["x"], "1" * 5000, "\0"])
def test_a_malformed_code_is_refused_by_name(cast: Cast, value: Any) -> None:
    api = as_user(cast.alice)
    assert_problem(confirm(api, value), 400, "invalid", "code")
    assert_problem(remove(api, value), 400, "invalid", "code")
    assert_problem(other_codes(api, value), 400, "invalid", "code")
    assert_problem(begin(api, None), 400, "invalid", "password")  # type: ignore[arg-type]


def test_a_wrong_code_confirms_nothing_and_is_recorded(cast: Cast) -> None:
    api = as_user(cast.alice)
    begin(api)
    assert_problem(confirm(api, "000000"), 400, "invalid", "code")
    assert events() == ["second_factor:started", "second_factor:refused"]
    assert Event.objects.latest("sequence").detail == {"reason": "wrong code"}


def test_a_second_factor_is_removed_with_password_and_code(cast: Cast) -> None:
    app = enrolled(cast.alice)
    api = logged_in(cast.alice, app)
    assert remove(api, app.recovery_codes[3]).status_code == 204
    assert attempt(cast.alice).status_code == 200
    assert (SecondFactor.objects.count(), RecoveryCode.objects.count()) == (0, 0)
    assert not Session.objects.filter(second_factor=True).exists()
    assert_problem(remove(api, app.recovery_codes[4]), 409, "conflict", "totp")
    assert_problem(other_codes(api, app.recovery_codes[4]), 409, "conflict", "totp")


def test_other_recovery_codes_take_the_place_of_those_before(cast: Cast) -> None:
    app = enrolled(cast.alice)
    answer = other_codes(logged_in(cast.alice, app), app.recovery_codes[0])
    assert answer.status_code == 200
    assert_problem(attempt(cast.alice, totp_code=app.recovery_codes[1]), 401, "invalid_credentials")
    assert attempt(cast.alice, totp_code=answer.json()["recovery_codes"][1]).status_code == 200
    assert events()[-1] == "recovery_codes:replaced"


def test_beginning_again_makes_the_secret_before_worthless(cast: Cast) -> None:
    api = as_user(cast.alice)
    first = App(begin(api).json()["secret"], [])
    second = App(begin(api).json()["secret"], [])
    assert_problem(confirm(api, first.code()), 400, "invalid", "code")
    assert confirm(api, second.code()).status_code == 200
    assert SecondFactor.objects.count() == 1


def test_a_second_factor_is_confirmed_once_and_only_after_a_beginning(cast: Cast) -> None:
    api = as_user(cast.alice)
    assert_problem(confirm(api, "123456"), 409, "conflict", "totp")
    app = App(begin(api).json()["secret"], [])
    assert confirm(api, app.code()).status_code == 200
    assert_problem(confirm(api, app.code()), 409, "conflict", "totp")
    assert RecoveryCode.objects.count() == 10


@pytest.mark.requirement(17)
def test_the_code_that_confirmed_does_not_let_in(cast: Cast) -> None:
    api = as_user(cast.alice)
    app = App(begin(api).json()["secret"], [])
    code = app.code()
    assert confirm(api, code).status_code == 200
    assert_problem(attempt(cast.alice, totp_code=code), 401, "invalid_credentials")


def test_a_code_of_an_app_that_is_begun_meanwhile_confirms_nothing(cast: Cast) -> None:
    moment = datetime.now(UTC)
    caller = caller_at(cast.alice, moment)
    begin_enrolment(caller=caller, password=PASSWORD)
    SecondFactor.objects.update(confirmed=False, last_step=10**6)
    begin_enrolment(caller=caller, password=PASSWORD)
    assert SecondFactor.objects.get().last_step == 0
    with pytest.raises(Invalid):
        confirm_enrolment(caller=caller, code="000000")


@rows_are_locked
@pytest.mark.django_db(transaction=True)
def test_a_code_of_an_app_that_is_begun_again_at_this_moment_confirms_nothing(cast: Cast) -> None:
    caller = caller_at(cast.alice, datetime.now(UTC))
    app = App(begin_enrolment(caller=caller, password=PASSWORD).secret, [])

    def confirm() -> None:
        with pytest.raises(Invalid):
            confirm_enrolment(caller=caller, code=app.code(caller.origin.at))

    other = seed_encryption.encrypt(totp.new_seed())
    with waiting(confirm, holding=lambda: SecondFactor.objects.update(seed=other)):
        pass
    assert SecondFactor.objects.get().last_step == 0


@pytest.mark.django_db(transaction=True)
def test_when_many_confirm_at_once_one_gets_recovery_codes(cast: Cast) -> None:
    caller = caller_at(cast.alice, datetime.now(UTC))
    app = App(begin_enrolment(caller=caller, password=PASSWORD).secret, [])
    code = app.code(caller.origin.at)

    def work(number: int) -> int:
        try:
            return len(confirm_enrolment(caller=caller, code=code))
        except (Invalid, Conflict):
            return 0

    assert sorted(at_once(work, times=8)) == [0] * 7 + [10]
    assert RecoveryCode.objects.count() == 10
    assert Event.objects.filter(name="second_factor:added").count() == 1


def test_a_password_that_is_changed_meanwhile_proves_nothing(
    cast: Cast, operator: Caller, hashing: Any
) -> None:
    new = UserChanges(password="another walk to the lighthouse")
    caller = caller_at(cast.alice, datetime.now(UTC))
    hashing.meanwhile = lambda: update_user(caller=operator, user=cast.alice, changes=new)
    with pytest.raises(WrongProof):
        begin_enrolment(caller=caller, password=PASSWORD)
    assert not SecondFactor.objects.exists()


def test_keys_have_no_second_factor(cast: Cast) -> None:
    program = with_key(make_key(cast.alice, "keys:write"))
    for answer in (begin(program), confirm(program, "1"), remove(program, "1"), other_codes(program, "1")):
        assert_problem(answer, 403, "not_allowed")


@pytest.mark.requirement(16)
def test_the_owner_is_told_of_every_change(cast: Cast, mailbox: Mailbox, operator: Caller) -> None:
    app = enrolled(cast.alice)
    other_codes(logged_in(cast.alice, app), app.recovery_codes[0])
    remove_second_factors(caller=operator, selected=[cast.alice])
    send_due()
    assert mailbox.subjects("alice@example.org") == [SUBJECT] * 3
    for words in ("second factor was added to", "recovery codes of", "second factor of"):
        assert [mail for mail in mailbox.mails if words in plain(mail) and words in html(mail)]
    secrets = (app.secret, *app.recovery_codes)
    assert not [one for one in secrets for mail in mailbox.mails if one in plain(mail) + html(mail)]


def test_deleting_a_person_deletes_their_second_factor(cast: Cast, operator: Caller) -> None:
    enrolled(cast.mallory)
    delete_user(caller=operator, user=cast.mallory)
    assert (SecondFactor.objects.count(), RecoveryCode.objects.count()) == (0, 0)
