"""Sending the mails in the outbox, outside of requests."""

import logging
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone, translation

from accounts.invitations.services import prepare_invitation
from accounts.mail.email_change import prepare_change
from accounts.mail.email_undo import prepare_undo
from accounts.mail.messages import MailKind, Message, render
from accounts.mail.refusals import MAILBOX_NAME_NOT_ALLOWED, Refusal, final_refusal
from accounts.mail.registration import prepare_confirmation
from accounts.models import Mail, User
from accounts.passwords.services import prepare_notice, prepare_reset
from accounts.second_factor.recovery import prepare_recovery_notice
from accounts.second_factor.services import prepare_second_factor_notice
from accounts.users.names import Unmailable, fold_email
from accounts.users.preferences import zone_of
from audit.actors import ANONYMOUS, NOTHING, Origin, Target
from audit.events import EventName
from audit.log import record

CLAIM = timedelta(minutes=5)  # longer than a mail can take, given EMAIL_TIMEOUT
FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(hours=1)
GIVE_UP_AFTER = timedelta(days=5)  # RFC 5321 section 4.5.4.1

PREPARE: dict[str, Callable[[Mail, Origin], Message | None]] = {
    MailKind.RESET_PASSWORD: prepare_reset,
    MailKind.PASSWORD_CHANGED: prepare_notice,
    MailKind.CONFIRM_EMAIL: prepare_confirmation,
    MailKind.SECOND_FACTOR_ADDED: prepare_second_factor_notice,
    MailKind.SECOND_FACTOR_REMOVED: prepare_second_factor_notice,
    MailKind.PASSKEY_ADDED: prepare_second_factor_notice,
    MailKind.PASSKEY_REMOVED: prepare_second_factor_notice,
    MailKind.RECOVERY_CODES_REPLACED: prepare_second_factor_notice,
    MailKind.RECOVERY_WAITS: prepare_recovery_notice,
    MailKind.RECOVERY_STOPPED: prepare_second_factor_notice,
    MailKind.CONFIRM_NEW_EMAIL: prepare_change,
    MailKind.EMAIL_CHANGE_REQUESTED: prepare_notice,
    MailKind.EMAIL_CHANGED: prepare_notice,
    MailKind.EMAIL_CHANGE_UNDO: prepare_undo,
    MailKind.INVITATION: prepare_invitation,
}

log = logging.getLogger("keyhouse.mail")


def register(kind: MailKind, prepare: Callable[[Mail, Origin], Message | None]) -> None:
    """Register the function of an app above this one that prepares mails of this kind."""
    PREPARE[kind] = prepare


@dataclass
class Round:
    """The result of one round: how many mails were sent, and how many failed."""

    sent: int = 0
    failed: int = 0


def reaches_people() -> bool:
    """Whether mails leave this machine: by default they go into the output of the server."""
    return bool(settings.EMAIL_BACKEND == "django.core.mail.backends.smtp.EmailBackend")


def send_due() -> Round:
    """Try once to send each mail that is due, one lease (access.leases) after finding it.

    The change that a mail reports was committed before the mail was found. One lease later, no process still
    trusts what it remembered from before the change.

    A mail is claimed in a short transaction and sent afterwards, so a slow mail server holds no lock. Several
    processes share the work. If a process dies, its claim expires and another process tries.
    """
    done = Round()
    now = timezone.now()
    found = list(Mail.objects.filter(next_try_at__lte=now).values_list("pk", flat=True))
    if found:
        time.sleep(settings.EPOCH_LEASE_SECONDS)  # until every worker knows the changes that they report
    for number in found:
        claimed = _claim(number, now)
        if claimed is None:
            continue
        mail, letter = claimed
        if letter is not None and _deliver(mail, letter):
            done.sent += 1
        elif letter is not None:
            done.failed += 1
    return done


def _claim(number: int, now: datetime) -> tuple[Mail, Message | None] | None:
    """Claim the mail with this primary key that was due at `now`; None if another process has it.

    The message is None for a mail that must not be sent; such a mail is deleted.
    """
    due = Mail.objects.filter(pk=number, next_try_at__lte=now)
    if not due.exists():  # without this, SQLite would take its write lock for nothing
        return None
    with transaction.atomic():
        mail = due.select_for_update(skip_locked=True).first()
        if mail is None:
            return None
        letter = PREPARE[mail.kind](mail, Origin(mail.ip, mail.request_id, timezone.now()))
        if letter is None:
            mail.delete()
        else:
            mail.tries += 1
            mail.next_try_at = timezone.now() + CLAIM
            mail.save(update_fields=["tries", "next_try_at"])
    return mail, letter


def _deliver(mail: Mail, letter: Message) -> bool:
    """Send a claimed mail; return whether the mail server took it."""
    try:
        message = _rendered(letter)
        message.connection = get_connection(stream=sys.stderr)  # where consolemail:// writes
        message.send()
    except Unmailable as error:
        _drop(mail, Refusal(MAILBOX_NAME_NOT_ALLOWED, f"The address {error}."))
        return False
    except Exception as error:  # a fault in one mail must not stop the others
        _postpone(mail, error)
        return False
    _still_ours(mail).delete()
    return True


def _rendered(letter: Message) -> EmailMultiAlternatives:
    """Return the mail in the language and time zone of the person with this address, else in English."""
    person = User.objects.filter(email_key=fold_email(letter.to)).first()
    language = (person and person.language) or settings.LANGUAGE_CODE
    with translation.override(language), timezone.override(zone_of(person.time_zone if person else "")):
        return render(letter)


def _postpone(mail: Mail, error: Exception) -> None:
    """Schedule the next try, with growing pauses; give up after days, or at once on a final refusal."""
    refusal = final_refusal(error)
    if refusal is not None:
        _drop(mail, refusal)
        return
    reason = f"{type(error).__name__}: {error}".partition("\n")[0]
    if timezone.now() - mail.created_at > GIVE_UP_AFTER:
        _still_ours(mail).delete()
        log.error("%s given up after %s days: %s", mail, GIVE_UP_AFTER.days, reason)
        return
    pause = min(FIRST_PAUSE * 2 ** min(mail.tries - 1, 20), LONGEST_PAUSE)
    _still_ours(mail).update(next_try_at=timezone.now() + pause)
    log.warning("%s not sent, next try in %d s: %s", mail, pause.total_seconds(), reason)


def _drop(mail: Mail, refusal: Refusal) -> None:
    """Delete a mail that the recipient's server will never accept, and record its recipient."""
    user = User.objects.filter(email_key=fold_email(mail.address)).first()
    origin, target = (
        Origin(mail.ip, mail.request_id, timezone.now()),
        Target.of("user", user) if user else NOTHING,
    )
    detail = {"kind": mail.kind, "code": refusal.code}
    with transaction.atomic():
        if _still_ours(mail).delete()[0]:
            record(EventName.MAIL_REFUSED, actor=ANONYMOUS, origin=origin, target=target, detail=detail)
    log.error("%s dropped, since it can never arrive: %s", mail, refusal)


def _still_ours(mail: Mail) -> QuerySet[Mail]:
    """Return the row, unless the claim expired and another process took it."""
    return Mail.objects.filter(pk=mail.pk, tries=mail.tries)
