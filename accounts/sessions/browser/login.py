"""The login of a browser: one session for the console, the consent pages and the admin."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.middleware.csrf import rotate_token

from access.principals import Caller, Credential, Principal
from accounts import hooks
from accounts.models import Session
from accounts.sessions import services as sessions
from accounts.users.principals import principal_of
from audit.actors import Origin

LOGIN = "login"  # key in the browser's session: the uuid of the login
LONGEST = timedelta(seconds=settings.SESSION_COOKIE_AGE)  # after which the browser has no cookie
NOTED_EVERY = timedelta(minutes=1)  # how often a visit is written to the login


def session_in(request: HttpRequest) -> Session | None:
    """Return the live login of this browser, or None. Reads it once in a request.

    The login of a person who has a second factor counts only if it proved that one.
    """
    known: Any = request
    if not hasattr(known, "login"):
        known.login = _live(request)
    found: Session | None = known.login
    return found


def person_in(session: Session) -> Principal:
    """Return the current principal of the person who logged in."""
    credential = Credential("jwt", str(session.uuid), proven_at=session.proven_at)
    return principal_of(
        session.user, credential, second_factor=session.second_factor, only_in=session.organization_id
    )


def caller_in(request: HttpRequest, session: Session) -> Caller:
    """Return the person who logged in, as the caller of this request."""
    return Caller(person_in(session), Origin.of(request))


def begin(request: HttpRequest, session: Session) -> None:
    """Make the session the login of this browser, which gets a new cookie and a new CSRF token."""
    request.session.flush()
    request.session[LOGIN] = str(session.uuid)
    rotate_token(request)


def end(request: HttpRequest, *, client: str = "") -> None:
    """End the login of this browser, if it has one; `client` is as in `sessions.log_out`."""
    session = session_in(request)
    if session is not None:
        sessions.log_out(caller=caller_in(request, session), client=client)
    request.session.flush()


def _live(request: HttpRequest) -> Session | None:
    origin, sid = Origin.of(request), request.session.get(LOGIN)
    now = origin.at
    if not sid:
        return None
    session = Session.objects.filter(uuid=sid).select_related("user__second_factor").first()
    if session is None or not _counts(session, now):
        return None
    if now - session.last_seen_at > NOTED_EVERY:
        _note_visit(session, now)
        if not all(goes_on(session, origin) for goes_on in hooks.login_visited):
            return None
    return session


def _counts(session: Session, now: datetime) -> bool:
    """Whether the login is live, of an active person, and has proven the second factor that they have."""
    wanted = getattr(session.user, "second_factor", None)
    is_proven = session.second_factor or wanted is None or not wanted.confirmed
    return session.is_live(now) and session.user.is_active and is_proven


def _note_visit(session: Session, now: datetime) -> None:
    """Keep a login that is used from ending by idleness."""
    Session.objects.filter(pk=session.pk, last_seen_at__lt=now).update(last_seen_at=now)
