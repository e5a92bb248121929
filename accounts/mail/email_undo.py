"""Use cases of undoing a change of address that the owner did not make, by a link to the old address."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_noop

from accounts.mail import link_tokens
from accounts.mail.messages import MailKind, Message, Template, link
from accounts.mail.outbox import queue_mail
from accounts.models import EmailUndo, Mail, User
from accounts.passwords.services import end_access_of
from accounts.sessions.identity import as_actor
from accounts.throttling.services import attempt
from accounts.users.store import write_user
from audit.actors import Origin, Target
from audit.events import EventName
from audit.log import Entry, record_all
from config.limits import Limit
from config.wire.errors import Conflict, Invalid

UNDO_DAYS = 7
TAKEN = gettext_noop("is for an address that another account now uses; ask an administrator")


def offer_undo(user: User, origin: Origin) -> None:
    """Queue a link to the old address, which `user` still holds, in the transaction that replaces it."""
    ends = origin.at + timedelta(days=UNDO_DAYS)
    undo = EmailUndo.objects.create(user=user, email=user.email, expires_at=ends)
    queue_mail(kind=MailKind.EMAIL_CHANGE_UNDO, address=undo.email, about=undo.pk, origin=origin)


def prepare_undo(mail: Mail, origin: Origin) -> Message | None:
    """Make the mail with the link; None if the change has already been undone."""
    token = link_tokens.new_token()
    if not EmailUndo.objects.filter(pk=mail.about).update(digest=link_tokens.digest(token)):
        return None
    values = {"at": mail.created_at, "link": link(settings.UNDO_EMAIL_URL, token), "days": UNDO_DAYS}
    return Message(mail.address, Template.EMAIL_CHANGE_UNDO, values)


def undo_change(*, token: str, origin: Origin) -> User:
    """Restore the address to which the token was mailed, once, and secure the account.

    Later changes of address are undone, too. The password and all access except API keys end, and a link to
    set a new password is mailed to the restored address (ASVS 6.4.3). Raises TooManyAttempts, or Invalid,
    naming `token`. If another account now has the address, the token stays valid.
    """
    attempt(Limit.MAILED_TOKEN, origin=origin)
    digest = link_tokens.digest(token)
    undo = _good(digest, origin.at).select_related("user").first()
    if undo is None:
        raise link_tokens.refused()
    with transaction.atomic():
        user = User.objects.select_for_update().filter(pk=undo.user_id).first()
        if user is None or not _good(digest, origin.at).exists():
            raise link_tokens.refused()
        EmailUndo.objects.filter(user=user, pk__gte=undo.pk).delete()
        _give_back(user, undo.email)
        end_access_of(user, origin.at)
        for address in (user.email, undo.email):
            queue_mail(kind=MailKind.EMAIL_CHANGED, address=address, origin=origin)
        queue_mail(kind=MailKind.RESET_PASSWORD, address=undo.email, origin=origin)
        target, by = Target.of("user", user), {"by": "undo link"}
        changed = Entry(EventName.USER_CHANGED, target, {"members": ["email"], **by})
        entries = [changed, Entry(EventName.PASSWORD_CHANGED, target, by)]
        record_all(entries, actor=as_actor(user), origin=origin)
    return user


def _good(digest: bytes, now: datetime) -> QuerySet[EmailUndo]:
    return EmailUndo.objects.filter(digest=digest, expires_at__gt=now, user__is_active=True)


def _give_back(user: User, address: str) -> None:
    try:
        unusable = make_password(None)
        write_user(user, {"email": address, "email_verified": True, "password": unusable})
    except Conflict:
        raise Invalid("token", TAKEN) from None
