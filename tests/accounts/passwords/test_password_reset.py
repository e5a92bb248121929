"""A forgotten password: the owner of the address gets a link by mail that works once, within an hour."""

from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from access.principals import Caller
from accounts.mail.delivery import Round, send_due
from accounts.models import Mail, PasswordReset
from accounts.users.changes import UserChanges
from accounts.users.services import update_user
from audit.models import Event
from tests.accounts.helpers import statements
from tests.accounts.mailbox import Mailbox, html, listening, make_due, plain, token_in, use_mail_server
from tests.accounts.users.test_taking_away import in_the_admin
from tests.conftest import PASSWORD, Api, Cast, as_user, assert_problem, log_in, make_key, with_key
from tests.installation import free_port

NEW = "another walk to another lighthouse"
ALICE = "alice@example.org"
SUBJECT = "A new password for Keyhouse"


def forget(email: str = ALICE, **options: Any) -> Any:
    return Api().post("auth/forgot-password", {"email": email}, **options)


def new_token(mailbox: Mailbox, email: str = ALICE) -> str:
    """Ask for a link and return the token that was mailed."""
    assert forget(email).status_code == 200
    send_due()
    return token_in([mail for mail in mailbox.to(email) if mail["Subject"] == SUBJECT][-1])


def reset(token: str, password: str = NEW) -> Any:
    return Api().post("auth/reset-password", {"token": token, "new_password": password})


def assert_dead(token: str) -> None:
    assert_problem(reset(token), 400, "invalid", "token")


def can_log_in(password: str) -> bool:
    answer = Api().post("auth/login", {"username": "alice", "password": password})
    assert answer.status_code in {200, 401}
    return bool(answer.status_code == 200)


def test_a_mailed_link_gives_a_new_password(cast: Cast, mailbox: Mailbox) -> None:
    answer = reset(new_token(mailbox))
    assert (answer.status_code, list(answer.json())) == (200, ["message"])
    assert (can_log_in(NEW), can_log_in(PASSWORD)) == (True, False)


def test_a_reset_logs_nobody_in(cast: Cast, mailbox: Mailbox) -> None:
    answer = reset(new_token(mailbox))
    assert not answer.cookies
    assert list(answer.json()) == ["message"]


@pytest.mark.requirement(16)
def test_the_owner_is_told_of_a_reset(cast: Cast, mailbox: Mailbox) -> None:
    reset(new_token(mailbox))
    send_due()
    assert mailbox.subjects(ALICE) == [SUBJECT, "Your password at Keyhouse was changed"]


@pytest.mark.requirement(38)
def test_a_reset_ends_every_session(cast: Cast, operator: Caller, mailbox: Mailbox) -> None:
    update_user(caller=operator, user=cast.alice, changes=UserChanges(role="admin"))
    pair, browser, key = log_in(cast.alice), in_the_admin(cast.alice), make_key(cast.alice, "keys:read")
    session = Api({"Authorization": f"Bearer {pair['access_token']}"})
    assert session.get("auth/me").status_code == 200
    reset(new_token(mailbox))
    assert_problem(session.get("auth/me"), 401, "invalid_token")
    assert_problem(Api().post("auth/refresh", {"refresh_token": pair["refresh_token"]}), 401, "invalid_token")
    assert browser.get("/admin/").status_code == 302
    assert with_key(key).get("auth/me").status_code == 200


def answers_and_work(email: str) -> tuple[int, bytes, list[str]]:
    """Status and body of a request for a link, and the statements that it cost."""
    with CaptureQueriesContext(connection) as captured:
        answer = forget(email)
    kinds = [" ".join(sql.split()[:3]) for sql in statements(captured)]
    return answer.status_code, answer.content, kinds


@pytest.mark.parametrize("email", ["nobody@example.org", "mallory@example.org", ALICE.upper()])
@pytest.mark.requirement(40)
def test_known_unknown_and_inactive_addresses_get_the_same_answer_for_the_same_work(
    cast: Cast, operator: Caller, mailbox: Mailbox, email: str
) -> None:
    update_user(caller=operator, user=cast.mallory, changes=UserChanges(is_active=False))
    known = answers_and_work(ALICE)
    assert known[:2] == (200, b'{"message":"If this address is known, a mail is on its way."}')
    assert answers_and_work(email) == known
    assert known[2] == ["INSERT INTO accounts_attemptcount", 'INSERT INTO "accounts_mail"']
    assert mailbox.mails == []


@pytest.mark.requirement(40)
def test_only_a_known_and_active_person_gets_a_mail(cast: Cast, operator: Caller, mailbox: Mailbox) -> None:
    update_user(caller=operator, user=cast.mallory, changes=UserChanges(is_active=False))
    for email in ("nobody@example.org", "mallory@example.org", ALICE.upper()):
        forget(email)
    assert send_due() == Round(sent=1)
    assert [mail["To"] for mail in mailbox.mails] == [ALICE]
    assert not Mail.objects.exists()


@pytest.mark.requirement(40)
def test_with_the_mail_server_down_the_answer_is_the_same_and_the_mail_comes_later(
    cast: Cast, settings: Settings
) -> None:
    use_mail_server(settings, free_port())
    assert answers_and_work(ALICE) == answers_and_work("nobody@example.org")
    send_due()
    assert forget().status_code == 200
    with listening() as mailbox:
        use_mail_server(settings, mailbox.port)
        make_due()
        assert send_due() == Round(sent=2)
        token = token_in(mailbox.mails[-1])
        assert reset(token).status_code == 200


@pytest.mark.requirement(41)
def test_a_token_has_256_random_bits_and_is_stored_as_a_digest_alone(
    cast: Cast, tried_often: None, mailbox: Mailbox, tmp_path: Any
) -> None:
    tokens = {new_token(mailbox) for _ in range(20)}
    assert len(tokens) == 20
    forget()
    dump = tmp_path / "dump.json"
    call_command("dumpdata", "accounts", "audit", output=str(dump), verbosity=0)
    text = dump.read_text()
    assert "accounts.passwordreset" in text
    assert not [token for token in tokens if token in text]
    assert all(len(bytes.fromhex(token)) == 32 for token in tokens)
    assert len(bytes(PasswordReset.objects.get().digest)) == 32


@pytest.mark.requirement(41)
def test_the_token_is_in_no_event_and_no_log(
    cast: Cast, mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    token = new_token(mailbox)
    reset(token)
    assert token not in caplog.text
    assert not [event for event in Event.objects.all() if token in str(event.__dict__)]


@pytest.mark.parametrize("token", ["", "x", "é", "0" * 64, "0" * 1000, None, 7, ["x"], "\ud800", "\x00"])
def test_what_is_no_token_of_ours_is_refused_by_name(cast: Cast, token: Any) -> None:
    assert_problem(reset(token), 400, "invalid", "token")


@pytest.mark.parametrize("password", ["", "short", "password" * 3, ALICE * 2, "x" * 2000, None, 7])
def test_a_password_against_the_rules_is_refused_by_name_and_spends_nothing(
    cast: Cast, mailbox: Mailbox, password: Any
) -> None:
    token = new_token(mailbox)
    assert_problem(reset(token, password), 400, "invalid", "new_password")
    assert reset(token).status_code == 200


@pytest.mark.parametrize("email", ["", "alice", "a@b@c", "x" * 300 + "@example.org", None, 7, ["a@b.org"]])
def test_what_is_no_address_is_refused_by_name(cast: Cast, email: Any) -> None:
    assert_problem(forget(email), 400, "invalid", "email")
    assert not Mail.objects.exists()


def test_the_link_goes_to_the_address_that_we_know(cast: Cast, mailbox: Mailbox) -> None:
    forget("\uff21lice@example.org")  # a full-width A
    send_due()
    assert [mail["To"] for mail in mailbox.mails] == [ALICE]


@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host", "Forwarded", "Origin", "Referer"])
@pytest.mark.requirement(43)
def test_the_link_comes_from_the_configuration_never_from_the_request(
    cast: Cast, mailbox: Mailbox, settings: Settings, header: str
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    settings.RESET_URL = "https://app.example.org/new-password"
    value = "host=evil.example" if header == "Forwarded" else "evil.example"
    assert forget(headers={header: value}).status_code == 200
    send_due()
    (mail,) = mailbox.mails
    assert f"\nhttps://app.example.org/new-password?token={token_in(mail)}\n" in plain(mail)
    assert "evil" not in plain(mail) + html(mail) + str(mail)


@pytest.mark.requirement(43)
def test_without_another_address_the_link_is_to_our_page(cast: Cast, mailbox: Mailbox) -> None:
    new_token(mailbox)
    assert "\nhttp://127.0.0.1:8000/reset-password?token=" in plain(mailbox.mails[0])
    assert 'href="http://127.0.0.1:8000/reset-password?token=' in html(mailbox.mails[0])


def test_who_asked_and_who_changed_are_recorded(cast: Cast, mailbox: Mailbox) -> None:
    forget(headers={"X-Request-ID": "request-0001"})
    send_due()
    asked = Event.objects.get(name="password_reset:requested")
    assert (asked.actor_kind, asked.target_id) == ("anonymous", str(cast.alice.uuid))
    assert (asked.ip, asked.request_id) == ("127.0.0.1", "request-0001")
    reset(token_in(mailbox.mails[0]))
    changed = Event.objects.get(name="password:changed")
    assert (changed.actor_id, changed.target_id) == (str(cast.alice.uuid),) * 2
    assert changed.detail == {"by": "mailed link"}


def test_a_mail_that_is_tried_again_is_recorded_once(cast: Cast, settings: Settings) -> None:
    use_mail_server(settings, free_port())
    forget()
    for _ in range(3):
        send_due()
        make_due()
    assert Event.objects.filter(name="password_reset:requested").count() == 1


def test_a_token_is_no_credential(cast: Cast, mailbox: Mailbox) -> None:
    token = new_token(mailbox)
    assert_problem(Api({"Authorization": f"Bearer {token}"}).get("auth/me"), 401, "invalid_token")
    access = log_in(cast.alice)["access_token"]
    assert_dead(access[:90])
    assert as_user(cast.alice).get("auth/me").status_code == 200
