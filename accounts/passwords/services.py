"""Use cases of forgotten passwords: mail a link, and reset the password with it."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet

from accounts import hooks
from accounts.mail import link_tokens
from accounts.mail.messages import MailKind, Message, Template, link
from accounts.mail.outbox import queue_mail
from accounts.models import EmailChange, Mail, PasswordReset, RecoveryLink, User
from accounts.passwords.recovery_links import open_recovery, reserve_recovery_link
from accounts.passwords.rules import check_password_rules
from accounts.sessions.identity import as_actor
from accounts.sessions.termination import end_all_sessions
from accounts.throttling.services import attempt
from accounts.users import names
from audit.actors import ANONYMOUS, Origin, Target
from audit.events import EventName
from audit.log import record
from config.database.rows import edit
from config.limits import Limit

RESET_MINUTES = 60


def forgot_password(*, email: str, origin: Origin) -> None:
    """Queue a reset link to the owner of this address. Raises Invalid for a bad address, or TooManyAttempts.

    Whether an account has the address is checked when the mail is sent, so the request does the same work for
    everybody (ASVS 6.3.8).
    """
    address = names.clean_email(email)
    attempt(Limit.FORGOT_PASSWORD, subject=names.fold_email(address), origin=origin)
    with transaction.atomic():
        queue_mail(kind=MailKind.RESET_PASSWORD, address=address, origin=origin)


def prepare_reset(mail: Mail, origin: Origin) -> Message | None:
    """Make the mail with the link, which replaces an older one; None if no active account has the address.

    It goes to the address of the account, not to the typed one, which may only look like it.
    """
    person = User.objects.select_for_update().filter(email_key=names.fold_email(mail.address), is_active=True)
    user = person.first()
    if user is None:
        return None
    token = link_tokens.new_token()
    values = {
        "email_key": user.email_key,
        "digest": link_tokens.digest(token),
        "expires_at": origin.at + timedelta(minutes=RESET_MINUTES),
    }
    PasswordReset.objects.update_or_create(user=user, defaults=values)
    if mail.tries == 0:
        target = Target.of("user", user)
        record(EventName.PASSWORD_RESET_REQUESTED, actor=ANONYMOUS, origin=origin, target=target)
    values = {"link": link(settings.RESET_URL, token), "minutes": RESET_MINUTES, "ip": mail.ip}
    return Message(user.email, Template.RESET_PASSWORD, values)


def reset_password(*, token: str, new_password: str, origin: Origin) -> str:
    """Reset the password of the person to whom the token was mailed, once.

    All access of this person ends except their API keys. A mail, and the page behind the returned token, list
    those keys (NIST SP 800-63B-4 section 4.2). Raises TooManyAttempts, or Invalid, naming `token` or
    `new_password`; a refused password does not spend the token.
    """
    attempt(Limit.MAILED_TOKEN, origin=origin)
    digest = link_tokens.digest(token)
    reset = _good(digest, origin.at).select_related("user").first()
    if reset is None:
        raise link_tokens.refused()
    check_password_rules(new_password, reset.user, member="new_password")
    reset.user.set_password(new_password)
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=reset.user.pk)  # all services lock the person first
        if not _good(digest, origin.at).delete()[0]:
            raise link_tokens.refused()
        edit(User.objects.filter(pk=user.pk), password=reset.user.password, email_verified=True)
        end_access_of(user, origin.at)
        mailed = reserve_recovery_link(user, origin.at)
        queue_mail(kind=MailKind.PASSWORD_RESET, address=user.email, about=mailed.pk, origin=origin)
        on_screen = open_recovery(user, origin.at)
        target = Target.of("user", user)
        detail = {"by": "mailed link"}
        record(EventName.PASSWORD_CHANGED, actor=as_actor(user), origin=origin, target=target, detail=detail)
    return on_screen


def account_behind(token: str, now: datetime) -> str:
    """Return the login name of the person to whom this token was mailed, or "" if the token is not valid."""
    reset = _good(link_tokens.digest(token), now).select_related("user").first()
    return reset.user.login_name if reset else ""


def _good(digest: bytes, now: datetime) -> QuerySet[PasswordReset]:
    """Return the reset with this digest if it is valid: the person is active and still has the address."""
    return PasswordReset.objects.filter(
        digest=digest, expires_at__gt=now, user__is_active=True, user__email_key=F("email_key")
    )


def end_access_of(user: User, now: datetime) -> None:
    """End all access of a person except API keys, in the caller's transaction.

    That is sessions, consents with their OAuth2 tokens and codes, and mailed links.
    """
    cancel_links(user)
    end_all_sessions(user, now)
    hooks.tell(hooks.access_ended, user)


def tell_owner(user: User, origin: Origin) -> None:
    """Queue a mail that tells the owner that their password was changed (ASVS 6.3.7)."""
    queue_mail(kind=MailKind.PASSWORD_CHANGED, address=user.email, origin=origin)


def cancel_links(user: User) -> None:
    """Delete the links mailed to a person: for password reset, change of address and recovery."""
    for links in (PasswordReset, EmailChange, RecoveryLink):
        links._default_manager.filter(user=user).delete()


def prepare_notice(mail: Mail, origin: Origin) -> Message:
    """Make a notice of what was done and when, from the template with the name of the mail's kind."""
    return Message(mail.address, Template(mail.kind), {"at": mail.created_at})
