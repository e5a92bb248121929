"""The login page that clients' requests lead to."""

from collections.abc import Callable
from functools import wraps
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse

from accounts.sessions.browser.login_page import LoginPage

LONGEST_ADDRESS = 8000  # characters; the server takes 8,190 in the first line of a request
ONCE_ONLY = {"prompt", "max_age"}  # parameters that the login satisfies


def opened_by_clients(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Let a client's page that opened this view in a new window keep contact with that window.

    One answer with Cross-Origin-Opener-Policy would cut the two apart for good.
    """

    @wraps(view)
    def opened(request: HttpRequest) -> HttpResponseBase:
        response = view(request)
        response.headers["Cross-Origin-Opener-Policy"] = "unsafe-none"
        return response

    return opened


class ClientLoginPage(LoginPage):
    """Log in, and return to the consent page that asked for the login."""

    def back(self) -> str:
        """Return the authorization request without what this login satisfies."""
        wanted, authorize = super().back(), reverse("oauth2-authorize")
        if not wanted.startswith(f"{authorize}?"):
            return wanted
        query = parse_qsl(urlsplit(wanted).query, keep_blank_values=True)
        kept = [pair for pair in query if pair[0] not in ONCE_ONLY]
        return f"{authorize}?{urlencode(kept)}"
