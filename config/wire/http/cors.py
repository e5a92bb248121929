"""Which web pages of other origins may read our answers (Fetch standard, "CORS protocol").

Only the API is shared, and only with the origins in KEYHOUSE_CORS_ORIGINS. Our own pages, the gateway and the
probes are not: no script of another origin has a use for them. Cookies open nothing here, so answers never
allow credentials; tokens and keys are sent in headers.
"""

from collections.abc import Callable
from functools import lru_cache

from corsheaders import middleware as corsheaders
from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from config import profiles
from config.profiles import Profile
from config.profiles.rules import OWN_PATHS
from config.wire.http.heads import Head
from config.wire.problems import is_under

GetResponse = Callable[[HttpRequest], HttpResponseBase]

PUBLISHED = tuple(
    f"/.well-known/{name}" for name in ("jwks.json", "oauth-authorization-server", "openid-configuration")
)
# Below the base path: pages, and the endpoint for clients with a secret, which no script can keep.
NOT_FOR_SCRIPTS = tuple(
    f"/auth/oauth2/{name}" for name in ("authorize", "decision", "login", "allowed", "logout", "introspect")
)
ALLOW_HEADERS = "Access-Control-Allow-Headers"


def is_shared(path: str) -> bool:
    """Whether pages of the listed origins may read the answers of `path`."""
    profile = profiles.active()
    is_api = is_under(path, profile.base_path) and not is_under(path, *_own(profile))
    return is_api or path in PUBLISHED


@lru_cache(maxsize=8)
def _own(profile: Profile) -> tuple[str, ...]:
    return ("/", *OWN_PATHS, *(f"{profile.base_path}{path}" for path in NOT_FOR_SCRIPTS))


class CorsMiddleware(corsheaders.CorsMiddleware):
    """Answers preflights, and says in each answer of the API whether the page that asked may read it."""

    def __init__(self, get_response: GetResponse) -> None:
        if not settings.CORS_ALLOWED_ORIGINS:
            raise MiddlewareNotUsed
        super().__init__(get_response)

    def is_enabled(self, request: HttpRequest) -> bool:
        return is_shared(request.path_info)

    def add_response_headers(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        super().add_response_headers(request, response)
        key_header = profiles.active().keys.header
        if key_header and ALLOW_HEADERS in response.headers:
            response.headers[ALLOW_HEADERS] += f", {key_header}"
        return response


# For answers that do not pass through Django's middleware.


def preflight(head: Head) -> HttpResponse | None:
    """Return the answer to a preflight; None for other requests, and where nothing is shared."""
    if head.method != "OPTIONS" or not settings.CORS_ALLOWED_ORIGINS:
        return None
    answer = CorsMiddleware(_never).check_preflight(_request(head))
    return answer if isinstance(answer, HttpResponse) else None


def share(head: Head, response: HttpResponse) -> None:
    """Add the headers that the answer to a request with this head needs."""
    if settings.CORS_ALLOWED_ORIGINS:
        CorsMiddleware(_never).add_response_headers(_request(head), response)


def _request(head: Head) -> HttpRequest:
    """Return what the library reads of a request. A WSGIRequest would change the variables of the head."""
    request = HttpRequest()
    request.META, request.method, request.path_info = head.META, head.method, head.path_info
    return request


def _never(request: HttpRequest) -> HttpResponseBase:
    raise NotImplementedError  # the library calls it in neither of the two methods that we use
