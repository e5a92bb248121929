"""Use cases of exchanging a token for new ones."""

from datetime import datetime

from django.db import transaction

from accounts import tokens
from accounts.models import Session
from accounts.services.issuing import record_issue
from accounts.services.session_ends import end_sessions
from accounts.services.sessions import as_actor
from accounts.tokens import TokenPair
from audit.actors import Origin, Target
from audit.events import EventName
from audit.log import record
from config.errors import InvalidToken


def refresh(*, token: str, origin: Origin) -> TokenPair:
    """Exchange a refresh token for new tokens, once.

    A token that was exchanged before ends its session: somebody has a copy (RFC 9700 section
    4.14.2). Raises InvalidToken.
    """
    claims = tokens.read_refresh(token)
    refresh_id = tokens.new_refresh_id()
    with transaction.atomic():
        session = _rotate(claims["sid"], claims["jti"], refresh_id, origin.at)
        if session is not None and session.user.is_active:
            _record_refresh(session, origin)
    if session is None:
        _end_reused(claims["sid"], origin)
        raise InvalidToken
    if not session.user.is_active:
        raise InvalidToken
    return tokens.issue(session, subject=str(session.user.uuid), refresh_id=refresh_id, now=origin.at)


def renew(*, token: str, origin: Origin) -> TokenPair:
    """Exchange the access token of a live session for new tokens, where the profile refreshes that way.

    Raises InvalidToken. The old access token lives on until it expires or the session ends.
    """
    claims = tokens.read_access(token)
    refresh_id = tokens.new_refresh_id()
    with transaction.atomic():
        live = Session.objects.live(origin.at).select_related("user").select_for_update(of=("self",))
        session = live.filter(uuid=claims["sid"], user__is_active=True).first()
        if session is None:
            raise InvalidToken
        Session.objects.filter(pk=session.pk).update(
            refresh_digest=tokens.digest(refresh_id), last_seen_at=origin.at
        )
        _record_refresh(session, origin)
    return tokens.issue(session, subject=str(session.user.uuid), refresh_id=refresh_id, now=origin.at)


def _rotate(sid: str, old: str, new: str, now: datetime) -> Session | None:
    """Replace the refresh token of a live session in one conditional UPDATE, so that one caller wins."""
    rotated = (
        Session.objects.live(now)
        .filter(uuid=sid, refresh_digest=tokens.digest(old))
        .update(refresh_digest=tokens.digest(new), last_seen_at=now)
    )
    return Session.objects.select_related("user").get(uuid=sid) if rotated else None


def _record_refresh(session: Session, origin: Origin) -> None:
    actor, target = as_actor(session.user), Target.of("session", session)
    record_issue(EventName.SESSION_REFRESHED, session, actor=actor, origin=origin, target=target)


def _end_reused(sid: str, origin: Origin) -> None:
    with transaction.atomic():
        session = Session.objects.live(origin.at).select_related("user").filter(uuid=sid).first()
        if session is None:
            return
        if end_sessions(Session.objects.filter(pk=session.pk), origin.at):
            actor, target = as_actor(session.user), Target.of("session", session)
            record(EventName.REFRESH_TOKEN_REUSED, actor=actor, origin=origin, target=target)
