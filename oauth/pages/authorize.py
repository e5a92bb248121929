"""The authorization endpoint (RFC 6749 section 3.1): a client asks, and the person decides."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.views import View
from oauth2_provider.exceptions import FatalClientError, OAuthToolkitError
from oauthlib.common import Request as OAuthRequest
from oauthlib.oauth2.rfc6749.errors import AccessDeniedError, InvalidRequestError, OAuth2Error
from oauthlib.openid.connect.core.exceptions import ConsentRequired, InteractionRequired, LoginRequired

from access.backoffice.errors import said_in_page
from access.backoffice.pages import page
from access.freshness import check_fresh_for, check_not_confined
from accounts.models import Session
from accounts.sessions.browser.login import person_in, session_in
from accounts.sessions.browser.login_page import login_page
from accounts.sessions.browser.proof_page import proof_page
from audit.actors import Origin
from config.wire.errors import DomainError, FreshProofRequired, NotAllowed
from oauth.pages.login import LONGEST_ADDRESS
from oauth.protocol import hints, parameters
from oauth.protocol.redirect_uris import origin_of
from oauth.protocol.scopes import catalogue, grantable
from oauth.protocol.server import Protocol, with_issuer


class RequestPage(View):
    """The base of pages about one authorization request, which is in the address and is checked each time."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        self.protocol = Protocol(request)
        try:
            scopes, terms = self.protocol.validate_authorization_request(_asked(request))
        except FatalClientError as error:  # the client or its address is wrong: do not redirect
            said = error.oauthlib_error
            return _error(request, said.description or said.error)
        except OAuthToolkitError as error:
            return _refuse(error.oauthlib_error, error.oauthlib_error.redirect_uri)
        self.terms: Mapping[str, Any] = terms
        login, session = parameters.login_asked(terms["request"]), session_in(request)
        try:
            meant = _person_meant(terms["request"])
        except InvalidRequestError as error:
            return _refuse(error, terms["redirect_uri"])
        must_log_in = session is None or _must_log_in_again(login, meant, session, Origin.of(request))
        if must_log_in and login.is_silent:
            return self._refuse(LoginRequired, "The person must log in.")
        if session is None or must_log_in:
            return self._log_in()
        self.session, self.principal = session, person_in(session)
        self.scopes = [] if self.principal.credential.is_confined else grantable(scopes, self.principal)
        try:
            check_fresh_for(self.scopes, proven_at=session.proven_at, now=Origin.of(request).at)
        except FreshProofRequired:
            if login.is_silent:
                return self._refuse(LoginRequired, "The person must log in again.")
            return HttpResponseRedirect(proof_page(self._address("oauth2-authorize")))
        return self._not_silently() if login.is_silent else super().dispatch(request, *args, **kwargs)

    def _not_silently(self) -> HttpResponse:
        """Refuse to answer without asking the person."""
        if not self.scopes:
            return self._refuse(InteractionRequired, "The person holds none of the requested scopes.")
        return self._refuse(ConsentRequired, "The person must consent each time.")

    def _address(self, name: str) -> str:
        """Return the address of another page about the same request."""
        return f"{reverse(name)}?{self.request.GET.urlencode()}"

    def _log_in(self) -> HttpResponse:
        return HttpResponseRedirect(self._login_page())

    def _login_page(self) -> str:
        return login_page(self._address("oauth2-authorize"), "oauth2-login")

    def _refuse(self, kind: type[OAuth2Error], detail: str) -> HttpResponse:
        return _refuse(kind(detail, state=self.terms["state"]), self.terms["redirect_uri"])


class AuthorizePage(RequestPage):
    """The consent page: what the client asks for, and buttons to allow or refuse it."""

    http_method_names = ["get", "head", "post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Skip the checks on POST, which only redirects to the same request in the address."""
        return self.post(request) if request.method == "POST" else super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        words = catalogue()
        response = page(
            request,
            "oauth2/consent.html",
            client=self.terms["request"].client,
            where=origin_of(self.terms["redirect_uri"]),
            person=self.session.user,
            scopes=[(scope, words[scope]) for scope in self.scopes],
            refusal=self._refusal(),
            again=self._login_page(),
            decision=self._address("oauth2-decision"),
        )
        # form-action also applies to redirects after the form, and the client may redirect anywhere.
        policy = settings.CONTENT_SECURITY_POLICY.replace(" form-action 'self';", "")
        response.headers["Content-Security-Policy"] = policy
        return response

    def _refusal(self) -> str:
        """Return why the person's login gives no consent, "" if it may give one."""
        try:
            check_not_confined(self.principal.credential)
        except NotAllowed as error:
            return said_in_page(error)
        return ""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Redirect a request in a form to the same request in the address (OpenID Connect Core 3.1.2.1).

        It needs no cookie and no CSRF token, because it does nothing else.
        """
        if request.content_type != parameters.FORM:
            return _error(request, f"Send the parameters as {parameters.FORM}.", status=415)
        sent = [each for form in (request.GET, request.POST) for each in form.lists()]
        address = f"{request.path}?{urlencode(parameters.of_authorization(sent))}"
        if len(quote(address)) > LONGEST_ADDRESS:
            return _error(request, f"The request is too long: at most {LONGEST_ADDRESS} characters as a URL.")
        return HttpResponseRedirect(address, status=303)


class DecisionPage(RequestPage):
    """Takes the person's answer from the consent page."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        if request.POST.get("answer") != "allow" or not self.scopes:
            return self._refuse(AccessDeniedError, "The person refused.")
        self.protocol.validator.session = self.session
        uri, _, _, headers = self.protocol._extract_params(_asked(request))
        try:
            answer, _, _ = self.protocol.server.create_authorization_response(
                uri, headers=headers, scopes=self.scopes, credentials={"user": self.session.user}
            )
        except OAuth2Error as error:
            return _refuse(error, self.terms["redirect_uri"])
        except DomainError:  # the login, or the client, has just ended
            return self._log_in()
        return HttpResponseRedirect(with_issuer(answer["Location"]))


def _asked(request: HttpRequest) -> HttpRequest:
    """Return a copy of the request with only the known parameters of its address."""
    copy = HttpRequest()
    copy.method, copy.path, copy.META = "GET", request.path, request.META
    copy.GET = QueryDict(urlencode(parameters.of_authorization(request.GET.lists())))
    return copy


def _person_meant(request: OAuthRequest) -> str:
    """Return the uuid of the person in the id_token_hint, or "" (OpenID Connect Core section 3.1.2.1).

    Raises InvalidRequestError for a hint that is not an ID token of this client: the standard forbids an
    answer about another person than the one meant, and without a valid hint that person is unknown.
    """
    if not request.id_token_hint:
        return ""
    hint = hints.read(request.id_token_hint)
    if hint is None or hint.client_id != request.client.client_id:
        detail = "The id_token_hint must be an ID token that this client got here. It may be expired."
        raise InvalidRequestError(detail, state=request.state)
    return hint.person


def _must_log_in_again(login: parameters.LoginAsked, meant: str, session: Session, origin: Origin) -> bool:
    """Whether the client asks for a newer login or for another person (OpenID Connect Core 3.1.2.1).

    Or whether a provider vouches for a confined login, which cannot consent: an own login may.
    """
    if session.organization_id is not None and person_in(session).credential.is_confined:
        return True
    if meant and meant != str(session.user.uuid):
        return True
    age = (origin.at - session.proven_at).total_seconds()
    return login.is_fresh or (login.max_age is not None and age > login.max_age)


def _error(request: HttpRequest, reason: str, *, status: int = 400) -> HttpResponse:
    return page(request, "oauth2/error.html", reason=reason, status=status)


def _refuse(error: OAuth2Error, redirect_uri: str) -> HttpResponse:
    """Redirect to the client with the error in the query (RFC 6749 section 4.1.2.1)."""
    error.response_mode = None
    return HttpResponseRedirect(with_issuer(error.in_uri(redirect_uri)))
