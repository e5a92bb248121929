"""Use cases around a person's password: forgotten, reset by a mailed link, replaced."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet

from accounts import mailed_tokens, names
from accounts.letters import Letter, MailKind, Template, link
from accounts.models import EmailChange, Mail, PasswordReset, User
from accounts.passwords import check_password_rules
from accounts.services.outbox import queue_mail
from accounts.services.sessions import as_actor, end_all_sessions
from accounts.services.throttle import attempt
from audit.actors import ANONYMOUS, Origin, Target
from audit.events import EventName
from audit.log import record
from config.limits import Limit

RESET_MINUTES = 60


def forgot_password(*, email: str, origin: Origin) -> None:
    """Have a link mailed to whoever has this address. Raises Invalid for what is none, or TooManyAttempts.

    Whether somebody has it is looked up when the mail is sent: the request does the same for
    everybody (ASVS 6.3.8).
    """
    address = names.clean_email(email)
    attempt(Limit.FORGOT_PASSWORD, subject=names.fold(address), origin=origin)
    with transaction.atomic():
        queue_mail(kind=MailKind.RESET_PASSWORD, address=address, origin=origin)


def prepare_reset(mail: Mail, origin: Origin) -> Letter | None:
    """Make the link that `mail` is to bring, in place of any older one; None if nobody is to get one.

    It goes to the address that we know, not to the one that was typed, which may only look like it.
    """
    person = User.objects.select_for_update().filter(email_key=names.fold(mail.address), is_active=True)
    user = person.first()
    if user is None:
        return None
    token = mailed_tokens.new_token()
    values = {
        "email_key": user.email_key,
        "digest": mailed_tokens.digest(token),
        "expires_at": origin.at + timedelta(minutes=RESET_MINUTES),
    }
    PasswordReset.objects.update_or_create(user=user, defaults=values)
    if mail.tries == 0:
        target = Target.of("user", user)
        record(EventName.PASSWORD_RESET_REQUESTED, actor=ANONYMOUS, origin=origin, target=target)
    values = {"link": link(settings.RESET_URL, token), "minutes": RESET_MINUTES, "ip": mail.ip}
    return Letter(user.email, Template.RESET_PASSWORD, values)


def reset_password(*, token: str, new_password: str, origin: Origin) -> None:
    """Give the person to whom the token was mailed a new password, once; all their sessions end.

    Raises TooManyAttempts, or Invalid, naming `token` or `new_password`; a refused password does not
    spend the token.
    """
    attempt(Limit.MAILED_TOKEN, origin=origin)
    digest = mailed_tokens.digest(token)
    reset = _good(digest, origin.at).select_related("user").first()
    if reset is None:
        raise mailed_tokens.refused()
    check_password_rules(new_password, reset.user, member="new_password")
    reset.user.set_password(new_password)
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=reset.user.pk)  # the lock that all who change it take
        if not _good(digest, origin.at).delete()[0]:
            raise mailed_tokens.refused()
        replace_password(user=user, hashed=reset.user.password, origin=origin)
        target = Target.of("user", user)
        detail = {"by": "mailed link"}
        record(EventName.PASSWORD_CHANGED, actor=as_actor(user), origin=origin, target=target, detail=detail)


def _good(digest: bytes, now: datetime) -> QuerySet[PasswordReset]:
    """The reset with this digest, while it is good: the person active, under the address it went to."""
    return PasswordReset.objects.filter(
        digest=digest, expires_at__gt=now, user__is_active=True, user__email_key=F("email_key")
    )


def replace_password(*, user: User, hashed: str, origin: Origin) -> None:
    """Store a new password, in the caller's transaction, and tell its owner by mail.

    All the person's sessions end, and no link that was mailed before works any more.
    """
    User.objects.filter(pk=user.pk).update(password=hashed)
    cancel_links(user)
    end_all_sessions(user, origin.at)
    tell_owner(user, origin)


def tell_owner(user: User, origin: Origin) -> None:
    """Have the owner of a password told by mail that it was changed (ASVS 6.3.7)."""
    queue_mail(kind=MailKind.PASSWORD_CHANGED, address=user.email, origin=origin)


def cancel_links(user: User) -> None:
    """Make the links worthless that were mailed to a person: to a new password, to another address."""
    PasswordReset.objects.filter(user=user).delete()
    EmailChange.objects.filter(user=user).delete()


def prepare_notice(mail: Mail, origin: Origin) -> Letter:
    """Tell an owner what was done, and when: the template has the kind's name."""
    return Letter(mail.address, Template(mail.kind), {"at": mail.created_at})
