"""Use case of a login that goes on: its provider is asked from time to time if it still knows the person."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import Session
from accounts.second_factor import seed_encryption
from accounts.sessions.termination import end_sessions
from audit.actors import ANONYMOUS, Origin, Target
from audit.events import EventName
from audit.log import record
from config.database.retention import delete_some
from config.wire.errors import Busy
from federation.models import Grant, Provider
from federation.protocol.documents import metadata_of
from federation.protocol.faults import GrantEnded, ProviderFault
from federation.protocol.requests import REFUSED, refreshed
from federation.services.providers import client_of
from federation.services.vouching import Vouched

ASKED_EVERY = timedelta(minutes=5)
GRACE = timedelta(hours=1)  # how long a login goes on while its provider does not answer
LONGEST = 16 * 1024  # characters of a refresh token; a login with a longer one is not asked about


def sealed(refresh_token: str) -> str:
    """Return the refresh token encrypted; "" for one that is missing or too long."""
    known = 0 < len(refresh_token) <= LONGEST
    return seed_encryption.encrypt(refresh_token.encode()) if known else ""


def keep_grant(session: Session, vouched: Vouched, now: datetime) -> None:
    """Keep the refresh token of a login that has just begun, if the provider gave one."""
    if vouched.refresh_token:
        Grant.objects.create(
            session=session, refresh_token=vouched.refresh_token, asked_at=now, answered_at=now
        )


def clear_ended() -> None:
    """Delete some refresh tokens of logins that have ended, without waiting for locks."""
    has_ended = Q(session__ended_at__isnull=False) | Q(session__expires_at__lte=timezone.now())
    delete_some(Grant.objects.filter(has_ended))


def is_still_known(session: Session, origin: Origin) -> bool:
    """Whether a login goes on; ends it if its provider does not know the person any more.

    The provider is asked at most every ASKED_EVERY, by one request at a time, outside any transaction.
    If it does not answer, the login goes on for GRACE.
    """
    if session.organization_id is None:
        return True
    grant = Grant.objects.filter(session=session, asked_at__lte=origin.at - ASKED_EVERY).first()
    if grant is None or not _claimed(grant, origin.at):
        return True
    try:
        _ask(grant, session, origin.at)
    except GrantEnded:
        return _ended(session, origin, "gone at the provider")
    except Busy:  # nobody asked the provider
        return True
    except ProviderFault:
        is_within = origin.at - grant.answered_at <= GRACE
        return is_within or _ended(session, origin, "the provider does not answer")
    return True


def _claimed(grant: Grant, now: datetime) -> bool:
    """Whether this request is the one that asks."""
    return bool(Grant.objects.filter(pk=grant.pk, asked_at=grant.asked_at).update(asked_at=now))


def _ask(grant: Grant, session: Session, now: datetime) -> None:
    """Ask the provider. Raises GrantEnded, ProviderFault or Busy."""
    provider = Provider.objects.filter(organization=session.organization_id).first()
    if provider is None:  # it was just removed, which ends its logins
        raise GrantEnded(REFUSED)
    token = seed_encryption.decrypt(grant.refresh_token)
    if token is None:
        raise ProviderFault("The key with which the refresh token is encrypted is missing.")
    newest = refreshed(metadata_of(provider.issuer), client_of(provider), token.decode())
    stored = sealed(newest) or sealed(token.decode())
    Grant.objects.filter(pk=grant.pk).update(refresh_token=stored, answered_at=now)


def _ended(session: Session, origin: Origin, reason: str) -> bool:
    """End the login, and return False."""
    with transaction.atomic():
        if end_sessions(Session.objects.filter(pk=session.pk), origin.at):
            target = Target.of("session", session).about(user=session.user)
            detail = {"by": "provider", "reason": reason}
            record(EventName.SESSION_ENDED, actor=ANONYMOUS, origin=origin, target=target, detail=detail)
    return False
