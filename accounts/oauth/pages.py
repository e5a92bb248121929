"""The pages that people see: log in, and say yes or no to a client."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views import View
from oauth2_provider.exceptions import FatalClientError, OAuthToolkitError
from oauthlib.oauth2.rfc6749.errors import AccessDeniedError, OAuth2Error

from accounts.identity import principal_of
from accounts.models import OAuthClient, Session
from accounts.oauth.redirects import origin_of, source_of
from accounts.oauth.scopes import catalogue, grantable
from accounts.oauth.server import Protocol, with_issuer
from accounts.passwords import LONGEST
from accounts.principals import Credential, Principal
from accounts.services import sessions
from audit.actors import Origin
from config import profiles
from config.admin import add_error
from config.errors import DomainError
from config.problems import headers_of

SESSION = "oauth2_session"  # in the browser's session: the uuid of the login
IDENTIFIERS = {"username": "user name", "email": "e-mail address"}
PARAMETERS = {
    *("client_id", "redirect_uri", "response_type", "scope", "state"),
    *("code_challenge", "code_challenge_method", "nonce", "prompt"),
    *("request", "request_uri", "response_mode"),
}
ONCE_ONLY = {"prompt", "max_age"}  # parameters that a login has just satisfied


def page(request: HttpRequest, template: str, **context: Any) -> HttpResponse:
    """Return a page in the product's name."""
    status, headers = context.pop("status", 200), context.pop("headers", None)
    context["product"] = profiles.active().product.name
    response = render(request, f"oauth2/{template}.html", context, status=status)
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response


def session_in(request: HttpRequest) -> Session | None:
    """Return the login of this browser, if it lives."""
    now, sid = Origin.of(request).at, request.session.get(SESSION)
    live = Session.objects.live(now).filter(uuid=sid, user__is_active=True) if sid else Session.objects.none()
    return live.select_related("user").first()


def person_in(session: Session) -> Principal:
    """Return who has logged in there, as they are now."""
    credential = Credential("jwt", str(session.uuid))
    return principal_of(session.user, credential, second_factor=session.second_factor)


def login_page(request: HttpRequest) -> str:
    """The address of the login page that leads back here."""
    return f"{reverse('oauth2-login')}?{urlencode({'next': request.get_full_path()})}"


class LoginForm(forms.Form):
    """Name, password, and a code for those who have a second factor."""

    identifier = forms.CharField(
        max_length=254, widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True})
    )
    password = forms.CharField(
        max_length=LONGEST,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    totp_code = forms.CharField(
        max_length=64,
        required=False,
        label="Code, if you have a second factor",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [IDENTIFIERS[kind] for kind in profiles.active().login.identifiers]
        self.fields["identifier"].label = " or ".join(names).capitalize()


class LoginPage(View):
    """Log in, and go on to where one came from: the page that asks for consent."""

    http_method_names = ["get", "head", "post"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return page(request, "login", form=LoginForm())

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
    """Where to go after a login: our own authorization page if one came from there, else that of consents."""
    wanted, authorize = request.GET.get("next", ""), reverse("oauth2-authorize")
    if not wanted.startswith(f"{authorize}?"):
        return reverse("oauth2-allowed")
    query = parse_qsl(urlsplit(wanted).query, keep_blank_values=True)
    kept = [pair for pair in query if pair[0] not in ONCE_ONLY]
    return f"{authorize}?{urlencode(kept)}"


class AuthorizePage(View):
    """The authorization endpoint (RFC 6749 section 3.1): a client asks, the person answers.

    What was asked stands in the address, and is checked anew when the answer comes.
    """

    http_method_names = ["get", "head", "post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        self.protocol = Protocol(request)
        try:
            asked, terms = self.protocol.validate_authorization_request(_asked(request))
        except FatalClientError as error:  # a wrong client or address: nobody is sent there
            said = error.oauthlib_error
            return page(request, "error", reason=said.description or said.error, status=400)
        except OAuthToolkitError as error:
            return self._refuse(error.oauthlib_error, error.oauthlib_error.redirect_uri)
        self.asked: list[str] = asked
        self.terms: Mapping[str, Any] = terms
        self.client: OAuthClient = terms["request"].client
        session = session_in(request)
        if session is None or self._must_log_in_again(session):
            return HttpResponseRedirect(login_page(request))
        self.session = session
        self.scopes = grantable(asked, person_in(session))
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        words = catalogue()
        redirect_uri = self.terms["redirect_uri"]
        response = page(
            request,
            "consent",
            client=self.client,
            where=origin_of(redirect_uri),
            person=self.session.user,
            scopes=[(scope, words[scope]) for scope in self.scopes],
            again=login_page(request),
        )
        # Browsers hold the redirect that answers a form to form-action, too.
        allowed = f"form-action 'self' {source_of(redirect_uri)}"
        policy = settings.CONTENT_SECURITY_POLICY.replace("form-action 'self'", allowed)
        response.headers["Content-Security-Policy"] = policy
        return response

    def post(self, request: HttpRequest) -> HttpResponse:
        if request.POST.get("answer") != "allow" or not self.scopes:
            return self._refuse(AccessDeniedError(state=self.terms["state"]), self.terms["redirect_uri"])
        self.protocol.validator.session = self.session
        uri, _, _, headers = self.protocol._extract_params(_asked(request))
        try:
            answer, _, _ = self.protocol.server.create_authorization_response(
                uri, headers=headers, scopes=self.scopes, credentials={"user": self.session.user}
            )
        except OAuth2Error as error:
            return self._refuse(error, self.terms["redirect_uri"])
        except DomainError:  # the login, or the client, has just ended
            return HttpResponseRedirect(login_page(request))
        return HttpResponseRedirect(with_issuer(answer["Location"]))

    def _refuse(self, error: OAuth2Error, redirect_uri: str) -> HttpResponse:
        """Send the person back with what is wrong, in the query (RFC 6749 section 4.1.2.1)."""
        error.response_mode = None
        return HttpResponseRedirect(with_issuer(error.in_uri(redirect_uri)))

    def _must_log_in_again(self, session: Session) -> bool:
        """Whether the client wants a fresh login (OpenID Connect Core section 3.1.2.1)."""
        prompt, age = self.request.GET.get("prompt", ""), self.request.GET.get("max_age", "")
        if age.isascii() and age.isdigit() and len(age) < 10:
            limit = session.created_at + timedelta(seconds=int(age))
            return "login" in prompt.split() or limit < Origin.of(self.request).at
        return "login" in prompt.split()


def _asked(request: HttpRequest) -> HttpRequest:
    """The request as far as its address goes, without what we do not know."""
    asked = HttpRequest()
    asked.method, asked.path, asked.META = "GET", request.path, request.META
    known = [(name, value) for name, values in request.GET.lists() if name in PARAMETERS for value in values]
    asked.GET = QueryDict(urlencode(known))
    return asked
