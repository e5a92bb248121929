"""Middleware for every request, before any view sees it."""

import random
import re
from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from config import profiles
from config.hosts import spell_header
from config.logs import ENCODED, mask
from config.profiles.rules import OAUTH2_PREFIXES
from config.wire.error_pages import ABOUT_THE_BODY, error_page
from config.wire.http.heads import REQUEST_ID, ROUTE
from config.wire.problems import MAILED_LINKS, MEDIA_TYPE, is_under, problem_response, too_large, wants_page

GetResponse = Callable[[HttpRequest], HttpResponse]

PROBES = {"/health", "/ready", "/metrics"}
HSTS = f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains"
# A provider that is another Keyhouse has codes like ours; they are good only with PKCE's verifier.
CODE_OF_PROVIDER = ("/account/login/organization/callback", "code")
NO_DASHES = str.maketrans("", "", "_-")
PLAIN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
SECRET_PARAMETERS = {  # in every spelling: access_token, accessToken
    *{"accesstoken", "refreshtoken", "token", "apikey", "xapikey", "password", "currentpassword"},
    *{"newpassword", "totpcode", "clientsecret", "codeverifier"},
}


class RequestIdMiddleware:
    """Gives each request an id: the client's X-Request-ID if it is a plain word, else a new one."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = request.META.get(REQUEST_ID) or new_request_id(request.META.get("HTTP_X_REQUEST_ID", ""))
        request.META[REQUEST_ID] = request_id
        response = self.get_response(request)
        response.headers["X-Request-ID"] = request_id
        # The server reads all headers. Django's mapping would look each name up again for that, which takes a
        # twentieth of a request.
        response.items = response.headers._store.values  # type: ignore[method-assign]
        if request.resolver_match is not None:
            request.META[ROUTE] = request.resolver_match.view_name
        return response


def new_request_id(sent: str) -> str:
    """Return the client's X-Request-ID if it is a plain word, else a new id."""
    return sent if _is_plain(sent) else f"{random.getrandbits(128):032x}"


def _is_plain(request_id: str) -> bool:
    """Whether the id is a plain word without a credential: it appears in logs and responses."""
    if not PLAIN_ID.fullmatch(request_id):
        return False
    # Every credential contains one of these, or is long base64. Skipping the mask saves a tenth of a check's
    # time.
    may_hold_one = "_" in request_id or "." in request_id or ENCODED.search(request_id)
    return not may_hold_one or mask(request_id) == request_id


class ProblemsMiddleware:
    """Turns errors that Django answers with a page or an empty body into problem documents (RFC 9457).

    Browsers on our own pages get a page instead, unless the view made one. JSON errors stay: they have the
    form of another RFC (RFC 6749 section 5.2).
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code < 400:
            return response
        kind = response.headers.get("Content-Type")
        if wants_page(request):
            is_page = kind != MEDIA_TYPE and response.content
            return response if is_page else error_page(request, response)
        if kind in {MEDIA_TYPE, "application/json"}:
            return response
        title = HTTPStatus(response.status_code).phrase
        kept = {name: value for name, value in response.headers.items() if name not in ABOUT_THE_BODY}
        code = title.lower().replace(" ", "_")
        return problem_response(response.status_code, code, f"{title}.", headers=kept)


class RefuseEarlyMiddleware:
    """Refuses, before authentication, what no endpoint accepts.

    These are bodies over 1 MiB, and credentials in a URL (RFC 6750 section 2.3: URLs end up in logs).
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._refusal(request) or self.get_response(request)

    def _refusal(self, request: HttpRequest) -> HttpResponse | None:
        if _declared_length(request) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            return too_large()
        if request.META.get("QUERY_STRING") and _has_secret(request):
            detail = "Credentials do not belong in a URL. Send them in a header or in the body."
            return problem_response(400, "invalid_request", detail)
        return None


def _declared_length(request: HttpRequest) -> int:
    """Return the Content-Length. Its first 20 digits are enough to exceed every limit."""
    digits = (request.META.get("CONTENT_LENGTH") or "0").lstrip("0")[:20]
    return int(digits) if digits.isascii() and digits.isdigit() else 0


def _has_secret(request: HttpRequest) -> bool:
    if is_under(request.path, "/admin"):
        return False
    keys = profiles.active().keys.environments.values()
    prefixes = (*(form.prefix for form in keys), *OAUTH2_PREFIXES)
    refused = SECRET_PARAMETERS - {"token"} if request.path in MAILED_LINKS else SECRET_PARAMETERS
    return any(
        name.lower().translate(NO_DASHES) in refused or any(value.startswith(prefixes) for value in values)
        for name, values in request.GET.lists()
        if (request.path, name) != CODE_OF_PROVIDER
    )


class HostMiddleware:
    """Has Django refuse a Host that is not allowed, after Host and Origin are spelled like the settings.

    Probes are exempt, because kubelets and load balancers call by IP address. Their responses do not depend
    on the Host.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info not in PROBES:
            scheme = settings.PUBLIC_URL.partition("://")[0]
            for name in ("HTTP_HOST", "HTTP_ORIGIN"):
                sent = request.META.get(name, "")
                if sent.isascii() and sent:
                    request.META[name] = spell_header(sent, scheme)
            request.get_host()
        return self.get_response(request)


class SecurityHeadersMiddleware:
    """Sets headers that Django's own middleware does not set, or not on the gateway's responses."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = secure(self.get_response(request))
        if request.method == "HEAD":
            _empty(response)
        return response


def secure(response: HttpResponse) -> HttpResponse:
    """Set the headers of every response, with its length, and return it."""
    if settings.HTTPS:  # also on http requests: behind a proxy, Keyhouse sees only http
        response.headers.setdefault("Strict-Transport-Security", HSTS)
    response.headers.setdefault("Content-Security-Policy", settings.CONTENT_SECURITY_POLICY)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    if not response.streaming and "Content-Length" not in response.headers:
        response.headers["Content-Length"] = str(len(response.content))
    return response


def _empty(response: HttpResponseBase) -> None:
    """Remove the body but keep its length. gunicorn would log a warning for each body that it drops."""
    if isinstance(response, StreamingHttpResponse):
        response.streaming_content = ()
    elif isinstance(response, HttpResponse):
        response.content = b""
