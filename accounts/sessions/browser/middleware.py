"""What pages for browsers need besides a request: a cookie, the person logged in, and messages."""

from functools import lru_cache
from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from accounts.models import User
from accounts.sessions.browser.login import session_in
from config import profiles
from config.profiles import Profile
from config.wire.problems import is_under


class BrowserMiddleware(SessionMiddleware, AuthenticationMiddleware, MessageMiddleware):
    """Cookie sessions, the person logged in to one, and messages for its next page.

    Only pages for browsers need them, so other requests skip all three.
    """

    def __call__(self, request: HttpRequest) -> Any:
        is_browsed = is_under(request.path_info, *_browsed(profiles.active()))
        return super().__call__(request) if is_browsed else self.get_response(request)

    def process_request(self, request: HttpRequest) -> None:
        SessionMiddleware.process_request(self, request)
        request.user = SimpleLazyObject(lambda: _user_in(request))  # type: ignore[assignment]
        MessageMiddleware.process_request(self, request)

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        response = MessageMiddleware.process_response(self, request, response)
        return SessionMiddleware.process_response(self, request, response)


@lru_cache(maxsize=8)
def _browsed(profile: Profile) -> tuple[str, ...]:
    """Return the paths below which pages use a browser session."""
    return ("/admin", "/account", "/device", f"{profile.base_path}/auth/oauth2")


def _user_in(request: HttpRequest) -> User | AnonymousUser:
    session = session_in(request)
    return session.user if session else AnonymousUser()
