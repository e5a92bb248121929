"""/gateway/check: before a proxy passes a request on, it asks here whether it may (forward auth).

From top to bottom: what the proxy asks, whose credential it is, what the caller may do, the count, the
answer. gateway/edge.py does the same with the same functions for our own server.
"""

from functools import lru_cache
from typing import NamedTuple

from django.http import HttpResponse, HttpResponseNotAllowed
from django.http.request import HttpHeaders

from access.credentials import Presented, presented
from access.exceptions import record_denied
from access.principals import Principal
from accounts.sessions.authentication import authenticate_access_token
from apikeys.authentication import authenticate_key
from apikeys.models import Outcome
from apikeys.usage import counting, spending
from audit.actors import Origin
from config import profiles
from config.profiles import Profile
from config.profiles.schema import Route
from config.wire.errors import DomainError, MalformedCredentials, NotAllowed, NotAuthenticated
from config.wire.http import challenges
from config.wire.http.heads import CREDENTIAL, ROUTE, Head
from config.wire.problems import domain_response, problem_response
from gateway.decision import Asked, Refusal, decide
from gateway.identity import identity_headers
from gateway.paths import RefusedPath, segments
from gateway.routes import Node, compile_routes, match
from gateway.second_paths import second_paths
from oauth.authentication import authenticate_oauth2, is_oauth2_like

PATH = "/gateway/check"
# How proxies name the original request. nginx sends the first pair (its configuration sets it), Traefik and
# Caddy the second (they always send it). Envoy uses the original method, and appends the path to ours.
ORIGINAL = (("X-Original-Method", "X-Original-URI"), ("X-Forwarded-Method", "X-Forwarded-Uri"))
VARIABLES = [tuple(map(HttpHeaders.to_wsgi_name, pair)) for pair in ORIGINAL]
METHODS = {"GET", "HEAD"}
SHORT = 256  # characters; the row of a longer URI is not cached


def check(request: Head) -> HttpResponse:
    """Answer 200 with the identity headers, 401 with WWW-Authenticate, 403, or 429 for a key's limits.

    Every 200 has the identity headers, empty for an unknown caller, so that a proxy that copies them
    overwrites what the client sent.
    """
    if request.path_info == PATH and request.method not in METHODS:
        return HttpResponseNotAllowed(sorted(METHODS))
    try:
        question, origin = ask(request), Origin.of(request)
        principal = authenticate(question.sent, origin) if question.sent else None
        request.META[CREDENTIAL] = principal.credential if principal else ""
        decision = decide(question.asked, principal, question.organization)
        if decision.refusal is not None:
            raise refused(decision.refusal, origin)
        left = spending.spend(principal, origin) if principal else spending.NO_HEADERS
        counting.record_use(decision.key, origin, scopes=decision.scopes)
    except DomainError as error:
        return refusal_of(error, request)
    headers = {**identity_headers(decision.principal), **left}
    return HttpResponse(content_type="text/plain", headers=headers)


def is_check(path: str) -> bool:
    return path == PATH or path.startswith(f"{PATH}/")


# What is asked


class Question(NamedTuple):
    """The request and each second path that it names, and the credential: None where anybody may pass."""

    asked: list[Asked]
    sent: Presented | None
    organization: str


def ask(head: Head) -> Question:
    """Return what a proxy asks.

    Raises NotAllowed if no row of the route table matches, NotAuthenticated if the row needs a credential
    and the request has none, and MalformedCredentials.
    """
    asked = all_asked(head)
    if "none" in asked[0].route.credentials:
        return Question(asked, None, "")
    sent = presented(head)
    if sent is None:
        raise NotAuthenticated
    return Question(asked, sent, head.META.get("HTTP_X_ORGANIZATION", ""))


def all_asked(head: Head) -> list[Asked]:
    """Return the original request and each second path that it names, with their rows."""
    profile, sent = profiles.active(), head.META
    method, uri = original_request(head)
    first = Asked(method, uri, route_for(profile, method, uri))
    sent[ROUTE] = f"{method} {first.route.path}"
    host = sent.get("HTTP_X_FORWARDED_HOST") or sent.get("HTTP_HOST", "")
    try:
        others = second_paths(first.route, sent, host)
    except RefusedPath as refused_path:
        raise NotAllowed(f"Refused: {refused_path}.") from None
    return [first, *(Asked(*other, route_for(profile, *other)) for other in others)]


class OriginalRequest(NamedTuple):
    """The first line of the request that a proxy asks about."""

    method: str
    uri: str


def original_request(head: Head) -> OriginalRequest:
    """Return the method and URI of the request that the proxy asks about.

    Raises NotAllowed if the proxy names it in no way, or in two: one of the two would be the client's.
    """
    ways = [(head.META.get(method), head.META.get(uri)) for method, uri in VARIABLES]
    ways.append(_appended(head))
    said = [way for way in ways if way != (None, None)]
    if len(said) != 1:
        pairs = ", ".join(f"{method} and {uri}" for method, uri in ORIGINAL)
        raise NotAllowed(f"Name the original request in one way: {pairs}, or the path after {PATH}.")
    method, uri = said[0]
    if method is None or uri is None:
        raise NotAllowed("The original method or the original URI is missing.")
    return OriginalRequest(method, uri)


def _appended(head: Head) -> tuple[str | None, str | None]:
    """Return the method and the path that follows ours in the request line, as sent."""
    if head.path_info == PATH:
        return None, None
    target: str = head.META.get("RAW_URI", "")  # PATH_INFO is decoded
    return head.method, target.removeprefix(PATH) if target.startswith(f"{PATH}/") else None


@lru_cache(maxsize=8)
def _table(profile: Profile) -> Node:
    return compile_routes(profile.routes)


def route_for(profile: Profile, method: str, uri: str) -> Route:
    """Return the row of the route table for a request. Raises NotAllowed if no row matches."""
    if len(uri) <= SHORT:
        return _row_for(profile, method, uri)
    return _find_row(profile, method, uri)


def _find_row(profile: Profile, method: str, uri: str) -> Route:
    try:
        found = match(_table(profile), method, segments(uri))
    except RefusedPath as refused_path:
        raise NotAllowed(f"Refused: {refused_path}.") from None
    if found is None:
        raise NotAllowed("No row of the route table matches this method and path.")
    return found


_row_for = lru_cache(maxsize=4096)(_find_row)


# Whose credential it is


def authenticate(sent: Presented, origin: Origin) -> Principal:
    """Return the owner of a credential of any kind. Raises InvalidToken and NetworkNotAllowed."""
    if sent.is_key:
        return authenticate_key(sent, origin)
    if is_oauth2_like(sent.secret):
        return authenticate_oauth2(sent.secret, origin)
    return authenticate_access_token(sent.secret, origin)


# What came of it


def refused(refusal: Refusal, origin: Origin) -> NotAllowed:
    """Count and record the refusal of a known caller; return the error that says why."""
    asked, principal = refusal.asked, refusal.principal
    counting.record_use(principal.credential.number, origin, Outcome.SCOPE)
    record_denied(principal, origin, asked.method, asked.uri.partition("?")[0], refusal.error)
    return refusal.error


def refusal_of(error: DomainError, head: Head) -> HttpResponse:
    """Return the answer to a refusal. Proxies expect 401 where our own endpoints answer 400."""
    offered = challenges.of_keys(head)
    if not isinstance(error, MalformedCredentials):
        return domain_response(error, offered)
    headers = {"WWW-Authenticate": f'{offered}, error="invalid_request"'}
    return problem_response(401, error.code, error.detail, headers=headers)
