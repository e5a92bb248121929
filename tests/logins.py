"""Logins of people in tests: as after the right password, but without the time that it takes to check one."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.test import Client

from accounts.models import Session, User
from accounts.sessions import tokens
from accounts.sessions.browser.login import LOGIN
from accounts.sessions.services import open_proven
from audit.actors import Origin


def token_of(user: User) -> str:
    """The access token of a new login."""
    refresh_id = tokens.new_refresh_id()
    session = _opened(user, refresh_id)
    pair = tokens.issue(session, subject=str(user.uuid), refresh_id=refresh_id, now=session.created_at)
    return pair.access_token


def browser(user: User, **options: Any) -> Client:
    """A browser with a new login."""
    client = Client(**{"headers": {"Accept": "text/html"}, **options})
    log_browser_in(client, user)
    return client


def log_browser_in(browser: Client, user: User) -> None:
    """Give a browser a new login."""
    kept = browser.session
    kept[LOGIN] = str(_opened(user).uuid)
    kept.save()


def _opened(user: User, refresh_id: str | None = None) -> Session:
    origin = replace(Origin.here(), ip="127.0.0.1")
    stored = User.objects.get(pk=user.pk)
    return open_proven(
        stored, None, origin=origin, user_agent="", refresh_id=refresh_id, longest=timedelta.max
    )
