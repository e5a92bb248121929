"""Use cases of changing one's e-mail address: ask with the password, confirm with a mailed link."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from access.principals import Caller
from accounts.mail import link_tokens
from accounts.mail.email_undo import offer_undo
from accounts.mail.messages import MailKind, Message, Template, link
from accounts.mail.outbox import UNSENT_DAYS, queue_mail
from accounts.models import EmailChange, Mail, User
from accounts.passwords.services import cancel_links
from accounts.sessions.identity import as_actor
from accounts.throttling.services import attempt
from accounts.users import names
from accounts.users.profile.services import prove
from accounts.users.store import write_user
from audit.actors import Origin, Target
from audit.events import EventName
from audit.log import record
from config.limits import Limit
from config.wire.errors import Conflict, Invalid


def ask_for_change(*, caller: Caller, new_email: str, current_password: str) -> None:
    """Queue a confirmation link to the new address, replacing an older link, and a notice to the current one.

    Whether another account has the new address is checked when the mail is sent, so the caller cannot learn
    it here. Raises Invalid, naming `new_email` or `current_password`, NotAllowed or TooManyAttempts.
    """
    address = names.clean_email(new_email, member="new_email")
    proven = prove(caller, current_password)
    attempt(Limit.EMAIL_CHANGE, subject=str(proven.uuid), origin=caller.origin, actor=caller.principal.actor)
    if address == proven.email:
        raise Invalid("new_email", "is already your address")
    wanted = {
        "email": address,
        "digest": None,
        "expires_at": caller.origin.at + timedelta(days=UNSENT_DAYS),
    }
    with transaction.atomic():
        same = User.objects.filter(pk=proven.pk, password=proven.password, is_active=True)
        user = same.select_for_update().first()
        if user is None:
            raise Invalid("current_password", "is wrong: the password was just changed")
        EmailChange.objects.update_or_create(user=user, defaults=wanted)
        new, old = MailKind.CONFIRM_NEW_EMAIL, MailKind.EMAIL_CHANGE_REQUESTED
        queue_mail(kind=new, address=address, about=user.pk, origin=caller.origin)
        queue_mail(kind=old, address=user.email, origin=caller.origin)
        actor, target = caller.principal.actor, Target.of("user", user)
        record(EventName.EMAIL_CHANGE_REQUESTED, actor=actor, origin=caller.origin, target=target)


def prepare_change(mail: Mail, origin: Origin) -> Message | None:
    """Make the mail with the link; if another account has the address, tell its owner instead."""
    wanted = EmailChange.objects.filter(user_id=mail.about, email=mail.address, user__is_active=True)
    others = User.objects.exclude(pk=mail.about)
    owner = others.filter(email_key=names.fold_email(mail.address)).first()
    if owner is not None:
        is_known = wanted.delete()[0] > 0
        return Message(owner.email, Template.ALREADY_REGISTERED, {"ip": mail.ip}) if is_known else None
    token = link_tokens.new_token()
    ends = origin.at + timedelta(hours=link_tokens.CONFIRM_HOURS)
    if not wanted.update(digest=link_tokens.digest(token), expires_at=ends):
        return None
    address = link(settings.CONFIRM_URL, token)
    values = {"link": address, "hours": link_tokens.CONFIRM_HOURS, "ip": mail.ip}
    return Message(mail.address, Template.CONFIRM_NEW_EMAIL, values)


def finish_change(*, token: str, origin: Origin) -> User:
    """Change the address of the person who asked to the one that received the token, once.

    Raises Invalid, naming `token`, also if another account has taken the address meanwhile.
    """
    digest = link_tokens.digest(token)
    change = _good(digest, origin.at).first()
    if change is None:
        raise link_tokens.refused()
    with transaction.atomic():
        # Every service that changes the person takes this lock.
        user = User.objects.select_for_update().filter(pk=change.user_id).first()
        if not _good(digest, origin.at).delete()[0] or user is None:
            raise link_tokens.refused()
        _write(user, change.email)
        cancel_links(user)
        offer_undo(user, origin)
        queue_mail(kind=MailKind.EMAIL_CHANGED, address=change.email, origin=origin)
        detail = {"members": ["email"], "by": "mailed link"}
        actor, target = as_actor(user), Target.of("user", user)
        record(EventName.USER_CHANGED, actor=actor, origin=origin, target=target, detail=detail)
    return user


def _good(digest: bytes, now: datetime) -> QuerySet[EmailChange]:
    """Return the change with this digest if it is still valid."""
    return EmailChange.objects.filter(digest=digest, expires_at__gt=now, user__is_active=True)


def _write(user: User, address: str) -> None:
    try:
        write_user(user, {"email": address, "email_verified": True})
    except Conflict:  # not reported: the caller must not learn who has an account
        raise link_tokens.refused() from None


def tell_of_change(old: str, new: str, *, origin: Origin) -> None:
    """Queue a notice to both addresses that the new one has replaced the old one (ASVS 6.3.7)."""
    for address in (old, new):
        queue_mail(kind=MailKind.EMAIL_CHANGED, address=address, origin=origin)
