"""Links to the page on which a person, after a password reset, reviews what the reset did not end."""

from datetime import datetime, timedelta

from accounts.mail import link_tokens
from accounts.models import RecoveryLink, User

ON_SCREEN = timedelta(hours=1)  # for the browser in which the password was reset
BY_MAIL_DAYS = 7


def open_recovery(user: User, now: datetime) -> str:
    """Store a link for the browser that reset the password, in the caller's transaction; return its token."""
    token = link_tokens.new_token()
    RecoveryLink.objects.create(user=user, digest=link_tokens.digest(token), expires_at=now + ON_SCREEN)
    return token


def reserve_recovery_link(user: User, now: datetime) -> RecoveryLink:
    """Store a link that will be mailed. It gets its token when the mail is sent."""
    return RecoveryLink.objects.create(user=user, expires_at=now + timedelta(days=BY_MAIL_DAYS))


def mailed_recovery_token(link: RecoveryLink) -> str:
    """Return a new token for a reserved link; it replaces a token that was mailed before."""
    token = link_tokens.new_token()
    RecoveryLink.objects.filter(pk=link.pk).update(digest=link_tokens.digest(token))
    return token


def recovering_person(token: str, now: datetime) -> User:
    """Return the active person to whom a recovery link with this token belongs. Raises Invalid."""
    links = RecoveryLink.objects.filter(digest=link_tokens.digest(token), expires_at__gt=now)
    link = links.filter(user__is_active=True).select_related("user").first()
    if link is None:
        raise link_tokens.refused()
    return link.user
