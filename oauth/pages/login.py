"""The login page of OAuth2, and functions that its pages share."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views import View

from access.backoffice.base import add_error
from access.principals import Credential, Principal
from accounts.models import Session
from accounts.sessions import services as sessions
from accounts.sessions.forms import LoginForm
from accounts.users.principals import principal_of
from audit.actors import Origin
from config import profiles
from config.wire.errors import DomainError
from config.wire.problems import headers_of

SESSION = "oauth2_session"  # key in the browser's session: the uuid of the login
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


def page(request: HttpRequest, template: str, **context: Any) -> HttpResponse:
    """Render a page in the product's name."""
    status, headers = context.pop("status", 200), context.pop("headers", None)
    context["product"] = profiles.active().product.name
    response = render(request, f"oauth2/{template}.html", context, status=status)
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response


def session_in(request: HttpRequest) -> Session | None:
    """Return the live login of this browser, or None."""
    now, sid = Origin.of(request).at, request.session.get(SESSION)
    live = Session.objects.live(now).filter(uuid=sid, user__is_active=True) if sid else Session.objects.none()
    return live.select_related("user").first()


def person_in(session: Session) -> Principal:
    """Return the current principal of the person who logged in."""
    credential = Credential("jwt", str(session.uuid))
    return principal_of(session.user, credential, second_factor=session.second_factor)


def login_page(back: str) -> str:
    """Return the address of the login page that afterwards redirects to `back`."""
    return f"{reverse('oauth2-login')}?{urlencode({'next': back})}"


class LoginPage(View):
    """Log in, and return to the consent page that asked for the login."""

    http_method_names = ["get", "head", "post"]

    def get(self, request: HttpRequest) -> HttpResponse:
        session = session_in(request)
        return page(request, "login", form=LoginForm(), person=session and session.user)

    def post(self, request: HttpRequest) -> HttpResponse:
        form = LoginForm(request.POST)
        if not form.is_valid():
            return page(request, "login", form=form, status=400)
        agent = request.headers.get("User-Agent", "")
        try:
            session = sessions.open_session(**form.cleaned_data, origin=Origin.of(request), user_agent=agent)
        except DomainError as error:
            add_error(form, error)
            return page(request, "login", form=form, status=error.status, headers=headers_of(error))
        request.session.cycle_key()
        request.session[SESSION] = str(session.uuid)
        return HttpResponseRedirect(_next(request))


def _next(request: HttpRequest) -> str:
    """Return where to go after a login: back to the consent page, else to the page of consents."""
    wanted, authorize = request.GET.get("next", ""), reverse("oauth2-authorize")
    if not wanted.startswith(f"{authorize}?"):
        return reverse("oauth2-allowed")
    query = parse_qsl(urlsplit(wanted).query, keep_blank_values=True)
    kept = [pair for pair in query if pair[0] not in ONCE_ONLY]
    return f"{authorize}?{urlencode(kept)}"
