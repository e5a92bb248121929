"""What mail servers refuse for good is not tried for five days; what may work later is."""

from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult
from pytest_django.fixtures import Settings

from accounts.mail.delivery import Round, send_due
from accounts.mail.messages import MailKind
from accounts.mail.outbox import queue_mail
from accounts.models import Mail
from audit.actors import Origin
from audit.models import Event
from config.backends import email_config
from tests.accounts.mailbox import Mailbox, listening, make_due
from tests.conftest import Cast

FINAL = [
    ("RCPT", "550 no such user"),
    ("RCPT", "550 5.1.1 no such user"),
    ("RCPT", "550 5.4.1 Recipient address rejected: Access denied"),
    ("RCPT", "501 5.1.3 malformed address"),
    ("RCPT", "551 user not local"),
    ("RCPT", "553 5.1.3 mailbox name not allowed"),
    ("RCPT", "550 5.2.1 mailbox disabled"),
    ("RCPT", "554 5.5 no"),
    ("RCPT", "556 5.1.10 the domain takes no mail"),
    ("DATA", "554 transaction failed"),
    ("DATA", "550 5.7.1 rejected as spam"),
    ("DATA", "552 5.3.4 message too big"),
]
LATER = [
    ("RCPT", "450 4.2.0 greylisted"),
    ("RCPT", "451 4.3.0 local error"),
    ("RCPT", "452 4.2.2 mailbox full"),
    ("RCPT", "421 4.7.0 too many connections"),
    ("RCPT", "552 too many recipients"),
    ("RCPT", "530 5.7.0 authentication required"),
    ("RCPT", "503 5.5.1 MAIL first"),
    ("RCPT", "521 5.3.2 takes no mail"),
    ("RCPT", "554 5.7.1 relay access denied"),
    ("RCPT", "550 5.1.8 sender address rejected: domain not found"),
    ("RCPT", "555 5.5.4 parameters not recognized"),
    ("MAIL", "550 5.1.8 sender rejected"),
    ("MAIL", "530 5.7.0 authentication required"),
    ("MAIL", "451 try again"),
    ("DATA", "451 4.7.1 try again"),
    ("DATA", "554 5.5.1 no valid recipients"),
    ("DATA", "421 shutting down"),
]


def queue() -> None:
    queue_mail(kind=MailKind.PASSWORD_CHANGED, address="Alice@Example.org", origin=Origin.here())


@pytest.mark.parametrize(("command", "answer"), FINAL)
def test_a_refusal_for_good_ends_the_mail_and_is_recorded(
    cast: Cast, mailbox: Mailbox, caplog: pytest.LogCaptureFixture, command: str, answer: str
) -> None:
    mailbox.answers = {command: answer}
    queue()
    assert send_due() == Round(failed=1)
    assert not Mail.objects.exists()
    event = Event.objects.get(name="mail:refused")
    assert (event.target_id, event.detail) == (
        str(cast.alice.uuid),
        {"kind": "password_changed", "code": int(answer[:3])},
    )
    assert f"(password_changed) dropped, since it can never arrive: {answer}" in caplog.text


@pytest.mark.parametrize(("command", "answer"), LATER)
def test_a_refusal_for_now_or_of_ourselves_is_tried_again(
    cast: Cast, mailbox: Mailbox, command: str, answer: str
) -> None:
    mailbox.answers = {command: answer}
    queue()
    assert send_due() == Round(failed=1)
    assert not Event.objects.filter(name="mail:refused").exists()
    mailbox.answers = {}
    make_due()
    assert send_due() == Round(sent=1)


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
def test_a_wrong_password_for_the_mail_server_is_for_the_operator_to_mend(
    cast: Cast, settings: Settings
) -> None:
    options: dict[str, Any] = {
        "authenticator": lambda *_: AuthResult(success=False, handled=False),
        "auth_required": True,
        "auth_require_tls": False,
    }
    with listening(**options) as mailbox:
        for name, value in email_config(f"smtp://user:wrong@127.0.0.1:{mailbox.port}").items():
            setattr(settings, name, value)
        queue()
        assert send_due() == Round(failed=1)
    assert Mail.objects.exists() and not Event.objects.filter(name="mail:refused").exists()


def test_a_mail_to_nobody_of_ours_is_recorded_without_its_address(cast: Cast, mailbox: Mailbox) -> None:
    mailbox.answers = {"RCPT": "550 no such user"}
    queue_mail(kind=MailKind.PASSWORD_CHANGED, address="nobody@example.org", origin=Origin.here())
    assert send_due() == Round(failed=1)
    assert Event.objects.get(name="mail:refused").target_id == ""


def test_one_refused_mail_does_not_hold_up_the_others(cast: Cast, mailbox: Mailbox) -> None:
    mailbox.answers = {"RCPT": "550 no such user"}
    queue()
    assert send_due() == Round(failed=1)
    mailbox.answers = {}
    queue()
    assert send_due() == Round(sent=1)
