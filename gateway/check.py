"""/gateway/check: before a proxy passes a request on, it asks here whether it may (forward auth).

From top to bottom: what the proxy asks, whose credential it is, what the caller may do, the count, the
answer. `check` does all of this in a thread. `check_from_memory` does it on the event loop, and leaves
requests that need the database to a thread.
"""

from functools import lru_cache
from typing import NamedTuple

from django.db import close_old_connections
from django.http import HttpResponse, HttpResponseNotAllowed
from django.http.request import HttpHeaders

from access.credentials import Presented, presented
from access.exceptions import record_denied
from access.principal_cache import Cached
from access.principals import Principal
from accounts.sessions.authentication import authenticate_access_token, remembered_access_token
from apikeys.authentication import authenticate_key, remembered_key
from apikeys.models import Outcome
from apikeys.usage import counting, quotas
from audit.actors import Origin
from config import metrics, profiles
from config.profiles import Profile
from config.profiles.schema import Route
from config.server.answers import Answer, of_response
from config.wire.errors import DomainError, MalformedCredentials, NotAllowed, NotAuthenticated, RateLimited
from config.wire.http import challenges
from config.wire.http.heads import REQUEST_ID, Head, PlainHead
from config.wire.http.middleware import secure
from config.wire.problems import DATABASE_ERRORS, domain_response, problem_response, unavailable
from gateway import repeated
from gateway.decision import Asked, Refusal, decide
from gateway.identity import identity_headers, identity_lines
from gateway.paths import RefusedPath, segments
from gateway.routes import Node, compile_routes, match
from gateway.second_paths import second_paths
from oauth.authentication import authenticate_oauth2, is_oauth2_like, remembered_oauth2

PATH = "/gateway/check"
# How proxies name the original request. nginx sends the first pair (its configuration sets it), Traefik and
# Caddy the second (they always send it). Envoy uses the original method, and appends the path to ours.
ORIGINAL = (("X-Original-Method", "X-Original-URI"), ("X-Forwarded-Method", "X-Forwarded-Uri"))
VARIABLES = [tuple(map(HttpHeaders.to_wsgi_name, pair)) for pair in ORIGINAL]
METHODS = {"GET", "HEAD"}
SHORT = 256  # characters; the row of a longer URI is not cached


def check(request: Head) -> HttpResponse:
    """Answer 200 with the identity headers, 401 with WWW-Authenticate, 403, or 429 for a key's rate limit.

    Every 200 has the identity headers, empty for an unknown caller, so that a proxy that copies them
    overwrites what the client sent.
    """
    if request.path_info == PATH and request.method not in METHODS:
        return HttpResponseNotAllowed(sorted(METHODS))
    try:
        question, origin = ask(request), Origin.of(request)
        principal = authenticate(question.sent, origin) if question.sent else None
        decision = decide(question.asked, principal, question.organization)
        if decision.refusal is not None:
            raise refused(decision.refusal, origin)
        quota = quotas.spend(principal, origin) if principal else None
        counting.record_use(decision.key, origin, scopes=decision.scopes)
    except DomainError as error:
        return refusal_of(error, request)
    headers = identity_headers(decision.principal) | (quota.headers if quota else {})
    return HttpResponse(content_type="text/plain", headers=headers)


def check_from_memory(head: PlainHead) -> Answer | None:
    """Return the same answer if it needs no database and records nothing; else None.

    Also returns None for other paths. None means that nothing has been counted yet. An answer that stays the
    same as long as its caller does is kept for checks that have the same bytes.
    """
    if not is_check(head.path_info) or (head.path_info == PATH and head.method not in METHODS):
        return None
    try:
        question, origin = ask(head), Origin.of(head)
        caller = remembered(question.sent, origin) if question.sent else None
        if question.sent and caller is None:
            return None
        principal = caller.principal if caller else None
        decision = decide(question.asked, principal, question.organization)
        if decision.refusal is not None or not quotas.are_counted_here(principal):
            return None
        quota = quotas.count(principal, origin) if principal else None
    except RateLimited:
        return None
    except DomainError as error:
        return _answered(of_response(secure(refusal_of(error, head))), head)
    counting.record_use(decision.key, origin, scopes=decision.scopes)
    lines = identity_lines(decision.principal, quota.headers if quota else {})
    if quota is None:
        repeated.keep(head, origin, caller, decision, lines)
    return _answered(Answer(200, lines), head)


def check_in_thread(head: PlainHead) -> Answer | None:
    """Return the same answer, without the request and the middleware of Django; None for other paths."""
    if not is_check(head.path_info) or (head.path_info == PATH and head.method not in METHODS):
        return None
    close_old_connections()
    try:
        response = check(head)
    except DATABASE_ERRORS as error:
        response = unavailable(error)
    return _answered(of_response(secure(response)), head)


def is_check(path: str) -> bool:
    return path == PATH or path.startswith(f"{PATH}/")


def _answered(answer: Answer, head: Head) -> Answer:
    metrics.CHECKS.count(str(answer.status))
    return answer._replace(lines=[*answer.lines, (b"X-Request-ID", head.META[REQUEST_ID].encode())])


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


def remembered(sent: Presented, origin: Origin) -> Cached | None:
    """Return the cached owner, None if only the database knows. Raises InvalidToken for a malformed key."""
    if sent.is_key:
        return remembered_key(sent.secret, origin)
    if is_oauth2_like(sent.secret):
        return remembered_oauth2(sent.secret, origin)
    return remembered_access_token(sent.secret, origin)


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
