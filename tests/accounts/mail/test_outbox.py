"""Mails wait in the database and are sent outside of requests: none lost, none twice."""

import json
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core import mail as django_mail
from django.core.management import call_command
from django.db import connections, transaction
from django.utils import timezone, translation
from pytest_django.fixtures import Settings

from access.principals import Caller
from accounts.mail import delivery
from accounts.mail.delivery import Round, send_due
from accounts.mail.messages import MailKind
from accounts.mail.outbox import queue_mail
from accounts.models import Mail
from accounts.users.services import set_password
from audit.actors import Origin
from tests.accounts.mailbox import Mailbox, html, listening, make_due, plain, use_mail_server
from tests.conftest import Cast
from tests.installation import Installation, free_port

NEW_PASSWORD = "another walk to another lighthouse"
ALICE = "alice@example.org"
SECOND = timedelta(seconds=1)


def queue(count: int = 1) -> None:
    for number in range(count):
        queue_mail(
            kind=MailKind.PASSWORD_CHANGED, address=f"person{number}@example.org", origin=Origin.here()
        )


def test_a_mail_is_sent_once_and_then_forgotten(db: None, mailbox: Mailbox) -> None:
    queue()
    assert send_due() == Round(sent=1)
    assert send_due() == Round()
    assert [mail["To"] for mail in mailbox.mails] == ["person0@example.org"]
    assert not Mail.objects.exists()


def test_a_mail_is_plain_and_html_in_the_name_of_the_product(
    db: None, mailbox: Mailbox, settings: Settings
) -> None:
    settings.MAIL_FROM = "robot@keys.example.org"
    queue()
    send_due()
    (mail,) = mailbox.mails
    assert mail["From"] == "Keyhouse <robot@keys.example.org>"
    assert mail["Subject"] == "Your password at Keyhouse was changed"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "multipart/alternative"
    assert "Keyhouse" in plain(mail)
    assert "<strong>Keyhouse</strong>" in html(mail)


def test_a_change_that_fails_sends_no_mail(db: None, mailbox: Mailbox) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        queue()
        raise RuntimeError
    assert send_due() == Round()


def test_a_mail_for_a_mail_server_that_is_down_waits_longer_each_time(db: None, settings: Settings) -> None:
    use_mail_server(settings, free_port())
    queue()
    pauses = []
    for _ in range(12):
        before = timezone.now()
        assert send_due() == Round(failed=1)
        pauses.append((Mail.objects.get().next_try_at - before) // SECOND)
        assert send_due() == Round()
        make_due()
    first, longest = delivery.FIRST_PAUSE // SECOND, delivery.LONGEST_PAUSE // SECOND
    for number, pause in enumerate(pauses):
        expected = min(first * 2**number, longest)
        assert expected <= pause < expected + 10, number


def test_what_could_not_be_sent_is_sent_later_and_once(db: None, settings: Settings) -> None:
    use_mail_server(settings, free_port())
    queue(3)
    assert send_due() == Round(failed=3)
    with listening() as mailbox:
        use_mail_server(settings, mailbox.port)
        mailbox.refusing = True
        make_due()
        assert send_due() == Round(failed=3)
        mailbox.refusing = False
        make_due()
        assert send_due() == Round(sent=3)
        make_due()
        assert send_due() == Round()
    assert len({mail["To"] for mail in mailbox.mails}) == len(mailbox.mails) == 3


def test_one_mail_that_cannot_be_sent_does_not_hold_up_the_others(db: None, mailbox: Mailbox) -> None:
    queue_mail(kind=MailKind.PASSWORD_CHANGED, address="not\nan address", origin=Origin.here())
    queue()
    assert send_due() == Round(sent=1, failed=1)


def test_after_days_a_mail_is_given_up_and_the_log_says_so(
    db: None, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    use_mail_server(settings, free_port())
    queue()
    Mail.objects.update(created_at=timezone.now() - delivery.GIVE_UP_AFTER)
    assert send_due() == Round(failed=1)
    assert not Mail.objects.exists()
    assert "given up after 5 days" in caplog.text


def test_a_mail_that_a_dead_process_had_claimed_is_sent_when_its_claim_runs_out(
    db: None, mailbox: Mailbox
) -> None:
    queue()
    assert delivery._claim(Mail.objects.get().pk, timezone.now()) is not None  # and then it died
    assert send_due() == Round()
    Mail.objects.update(next_try_at=timezone.now() - timedelta(seconds=1))
    assert send_due() == Round(sent=1)
    assert len(mailbox.mails) == 1


def test_a_late_sender_neither_deletes_nor_postpones_a_mail_that_another_claimed(
    db: None, mailbox: Mailbox
) -> None:
    queue()
    late = delivery._claim(Mail.objects.get().pk, timezone.now())
    make_due()
    assert delivery._claim(Mail.objects.get().pk, timezone.now()) is not None
    assert late is not None and late[1] is not None
    claimed_until = Mail.objects.get().next_try_at
    delivery._postpone(late[0], OSError())
    delivery._deliver(late[0], late[1])
    assert Mail.objects.get().next_try_at == claimed_until


@pytest.mark.django_db(transaction=True)
def test_many_senders_at_once_send_each_mail_once(mailbox: Mailbox) -> None:
    queue(40)
    gate = threading.Barrier(4)

    def work(_: int) -> int:
        gate.wait(timeout=30)
        try:
            return send_due().sent
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        sent = sum(pool.map(work, range(4)))
    assert sent + send_due().sent == 40
    assert sorted(mail["To"] for mail in mailbox.mails) == sorted(f"person{n}@example.org" for n in range(40))


@pytest.mark.requirement(63)
def test_a_mail_leaves_one_lease_after_what_it_tells_of_was_committed(
    cast: Cast,
    operator: Caller,
    mailbox: Mailbox,
    lease: Callable[[float], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A mail that is queued while others wait for their lease waits for one of its own."""
    happened: list[str] = []
    mailbox.on_mail = lambda: happened.append("mail")

    def wait(seconds: float) -> None:
        if not happened:
            set_password(caller=operator, user=cast.bob, password=NEW_PASSWORD)
        happened.append(f"{seconds} s")

    monkeypatch.setattr(time, "sleep", wait)
    lease(0.25)
    set_password(caller=operator, user=cast.alice, password=NEW_PASSWORD)
    assert happened == []  # the test's own transaction has not committed
    assert [send_due(), send_due(), send_due()] == [Round(sent=1), Round(sent=1), Round()]
    assert happened == ["0.25 s", "mail", "0.25 s", "mail"]


@pytest.mark.requirement(16)
def test_the_owner_is_told_of_a_new_password(cast: Cast, operator: Caller, mailbox: Mailbox) -> None:
    set_password(caller=operator, user=cast.alice, password=NEW_PASSWORD)
    assert mailbox.mails == []
    send_due()
    (mail,) = mailbox.mails
    assert (mail["To"], mail["Subject"]) == (ALICE, "Your password at Keyhouse was changed")
    assert NEW_PASSWORD not in plain(mail) + html(mail)


@pytest.mark.requirement(16)
def test_a_refused_password_sends_nothing(cast: Cast, operator: Caller) -> None:
    with pytest.raises(Exception, match="password"):
        set_password(caller=operator, user=cast.alice, password="short")
    assert not Mail.objects.exists()
    assert django_mail.outbox == []


def test_sendmail_sends_what_is_due_and_says_how_much(db: None, mailbox: Mailbox, settings: Settings) -> None:
    assert sendmail() == {"sent": 0, "failed": 0, "waiting": 0}
    queue()
    assert sendmail() == {"sent": 1, "failed": 0, "waiting": 0}
    assert mailbox.subjects("person0@example.org") == ["Your password at Keyhouse was changed"]
    use_mail_server(settings, free_port())
    queue()
    assert sendmail() == {"sent": 0, "failed": 1, "waiting": 1}


def sendmail() -> Any:
    printed = StringIO()
    call_command("sendmail", "--json", stdout=printed)
    return json.loads(printed.getvalue())


@pytest.mark.once
def test_a_mail_on_the_console_is_not_in_the_answer_of_sendmail(installation: Installation) -> None:
    installation.manage("changepassword", "admin", "--password-stdin", stdin=NEW_PASSWORD + "\n")
    done = installation.manage("sendmail", "--json", EMAIL_URL="consolemail://")
    assert done.stdout == '{"sent": 1, "failed": 0, "waiting": 0}\n'
    assert "Your password at Keyhouse was changed" in done.stderr


@pytest.mark.once
def test_mails_can_go_to_a_folder(installation: Installation) -> None:
    folder = installation.folder / "mails"
    installation.manage("changepassword", "admin", "--password-stdin", stdin=NEW_PASSWORD + "\n")
    done = installation.manage("sendmail", EMAIL_URL=f"filemail://{folder}")
    assert done.stdout == "1 sent, 0 failed, 0 waiting.\n"
    assert len(os.listdir(folder)) == 1


def test_a_mail_has_the_language_and_the_time_zone_of_its_reader(cast: Cast, mailbox: Mailbox) -> None:
    cast.bob.language, cast.bob.time_zone = "de", "Europe/Berlin"
    cast.bob.save()
    at = datetime(2026, 11, 29, 23, 30, tzinfo=UTC)
    for address in ("bob@example.org", ALICE):
        queue_mail(kind=MailKind.PASSWORD_CHANGED, address=address, origin=Origin("192.0.2.1", "x", at))
    send_due()
    to_bob, to_alice = mailbox.to("bob@example.org")[-1], mailbox.to(ALICE)[-1]
    assert to_bob["Subject"] == "Ihr Passwort bei Keyhouse wurde geändert"
    assert "am 30. Nov 2026, 00:30 CET geändert" in plain(to_bob)
    assert '<html lang="de">' in html(to_bob)
    assert to_alice["Subject"] == "Your password at Keyhouse was changed"
    assert "on 29 Nov 2026, 23:30 UTC" in plain(to_alice) and '<html lang="en">' in html(to_alice)
    assert translation.get_language() == "en"
