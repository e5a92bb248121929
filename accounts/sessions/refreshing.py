"""Use cases of exchanging a token for new ones."""

from datetime import timedelta

from django.db import transaction

from accounts.models import Session
from accounts.sessions import tokens
from accounts.sessions.identity import as_actor
from accounts.sessions.issuing import record_issue
from accounts.sessions.termination import end_sessions
from accounts.sessions.tokens import TokenPair
from audit.actors import Origin, Target
from audit.events import EventName
from audit.log import record
from config import profiles
from config.wire.errors import InvalidToken


def refresh(*, token: str, origin: Origin) -> TokenPair:
    """Exchange a refresh token for new tokens, once.

    A second exchange means that somebody has a copy, so it ends the session (RFC 9700 section 4.14.2), unless
    it falls within the profile's grace. Raises InvalidToken.
    """
    claims = tokens.read_refresh(token)
    sid, old = claims["sid"], claims["jti"]
    refresh_id = tokens.successor_of(old)
    with transaction.atomic():
        session = _rotate(sid, old, refresh_id, origin) or _rotated_just_now(sid, refresh_id, origin)
        if session is not None and session.user.is_active:
            _record_refresh(session, origin)
    if session is None:
        _end_reused(sid, origin)
        raise InvalidToken
    if not session.user.is_active:
        raise InvalidToken
    return tokens.issue(session, subject=str(session.user.uuid), refresh_id=refresh_id, now=origin.at)


def renew(*, token: str, origin: Origin) -> TokenPair:
    """Exchange the access token of a live session for new tokens, if the profile refreshes that way.

    The old access token works until it expires or the session ends. Raises InvalidToken.
    """
    claims = tokens.read_access(token)
    refresh_id = tokens.new_refresh_id()
    with transaction.atomic():
        live = Session.objects.live(origin.at).select_related("user").select_for_update(of=("self",))
        session = live.filter(uuid=claims["sid"], user__is_active=True).first()
        if session is None:
            raise InvalidToken
        session.refresh_digest, session.last_seen_at = tokens.digest(refresh_id), origin.at
        session.save(update_fields=["refresh_digest", "last_seen_at"])
        _record_refresh(session, origin)
    return tokens.issue(session, subject=str(session.user.uuid), refresh_id=refresh_id, now=origin.at)


def _rotate(sid: str, old: str, new: str, origin: Origin) -> Session | None:
    """Replace the refresh token of a live session in one conditional UPDATE, so that only one caller wins."""
    rotated = (
        Session.objects.live(origin.at)
        .filter(uuid=sid, refresh_digest=tokens.digest(old))
        .update(refresh_digest=tokens.digest(new), refreshed_from=origin.ip or None, last_seen_at=origin.at)
    )
    return Session.objects.select_related("user").get(uuid=sid) if rotated else None


def _rotated_just_now(sid: str, new: str, origin: Origin) -> Session | None:
    """Return the live session, locked, if this IP address got its current token `new` within the grace.

    `new` derives from exactly one refresh token, so the caller repeats the last exchange.
    """
    grace = timedelta(seconds=profiles.active().login.refresh_grace_seconds)
    if not grace:
        return None
    fresh = Session.objects.live(origin.at).filter(uuid=sid, last_seen_at__gt=origin.at - grace)
    same = fresh.filter(refresh_digest=tokens.digest(new), refreshed_from=origin.ip)
    return same.select_related("user").select_for_update(of=("self",)).first()


def _record_refresh(session: Session, origin: Origin) -> None:
    actor, target = as_actor(session.user), Target.of("session", session).about(user=session.user)
    record_issue(EventName.SESSION_REFRESHED, session, actor=actor, origin=origin, target=target)


def _end_reused(sid: str, origin: Origin) -> None:
    with transaction.atomic():
        session = Session.objects.live(origin.at).select_related("user").filter(uuid=sid).first()
        if session is None:
            return
        if end_sessions(Session.objects.filter(pk=session.pk), origin.at):
            actor, target = as_actor(session.user), Target.of("session", session).about(user=session.user)
            record(EventName.REFRESH_TOKEN_REUSED, actor=actor, origin=origin, target=target)
