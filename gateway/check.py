"""/gateway/check: a proxy asks, before it passes a request on, whether it may (forward auth)."""

from typing import NamedTuple
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.request import HttpHeaders

from access.principals import Credential, Principal
from apikeys.usage import counting, quotas
from audit.actors import Origin
from config import profiles
from config.wire.errors import DomainError, MalformedCredentials, NotAllowed
from config.wire.ids import format_id
from config.wire.problems import challenge, domain_response, problem_response
from gateway.decision import Decision, decide

PATH = "/gateway/check"
# How proxies say what the original request is: nginx by the first pair (its configuration sets it),
# Traefik and Caddy by the second (they always send it). Envoy repeats the method, with the path after ours.
ORIGINAL = (("X-Original-Method", "X-Original-URI"), ("X-Forwarded-Method", "X-Forwarded-Uri"))
VARIABLES = [tuple(map(HttpHeaders.to_wsgi_name, pair)) for pair in ORIGINAL]


def check(request: HttpRequest) -> HttpResponse:
    """Answer 200 with the identity headers, 401 with WWW-Authenticate, 403, or 429 for a key's rate limit.

    The identity headers are there on every 200, empty where nobody is known, so that a proxy that
    copies them overwrites what the client sent.
    """
    if request.path_info == PATH and request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "HEAD"])
    try:
        method, uri = original_request(request)
        origin = Origin.of(request)
        decision = decide(request, method, uri, origin)
        quota = _count(decision, origin)
    except MalformedCredentials as error:  # proxies know no 400 from here
        headers = {"WWW-Authenticate": f'{challenge()}, error="invalid_request"'}
        return problem_response(401, error.code, error.detail, headers=headers)
    except DomainError as error:
        return domain_response(error)
    headers = identity_headers(decision.principal) | (quota.headers if quota else {})
    return HttpResponse(content_type="text/plain", headers=headers)


def _count(decision: Decision, origin: Origin) -> quotas.Quota | None:
    """Count the request, which is let through, and against a limit if there is one. Raises RateLimited."""
    principal, scopes = decision
    if principal is None:
        return None
    quota = quotas.spend(principal, origin)
    counting.record_use(principal.credential.number, origin, scopes=scopes)
    return quota


class OriginalRequest(NamedTuple):
    """The first line of the request that a proxy asks about."""

    method: str
    uri: str


def original_request(request: HttpRequest) -> OriginalRequest:
    """Return (method, URI) of the request that the proxy asks about.

    Raises NotAllowed when it does not say, or says it in two ways at once: one of them would be the
    client's.
    """
    ways = [(request.META.get(method), request.META.get(uri)) for method, uri in VARIABLES]
    ways.append(_appended(request))
    said = [way for way in ways if way != (None, None)]
    if len(said) != 1:
        names = " or ".join(f"{method} and {uri}" for method, uri in ORIGINAL)
        raise NotAllowed(f"Send {names}, or the path after {PATH}, and only one of these.")
    method, uri = said[0]
    if method is None or uri is None:
        raise NotAllowed("The original method or the original URI is missing.")
    return OriginalRequest(method, uri)


def _appended(request: HttpRequest) -> tuple[str | None, str | None]:
    """The method, and what stands after our path in the request line, as it was sent."""
    if request.path_info == PATH:
        return None, None
    target: str = request.META.get("RAW_URI", "")  # PATH_INFO is decoded
    return request.method, target.removeprefix(PATH) if target.startswith(f"{PATH}/") else None


def identity_headers(principal: Principal | None) -> dict[str, str]:
    """Return what the service behind the proxy learns about its caller."""
    if principal is None:
        return dict.fromkeys(
            ("X-Auth-Subject", "X-Auth-Organization", "X-Auth-Credential", "X-Auth-Scopes"), ""
        )
    return {
        "X-Auth-Subject": principal.subject,
        "X-Auth-Organization": principal.organization,
        "X-Auth-Credential": f"{principal.credential.kind}:{_shown_id(principal.credential)}",
        "X-Auth-Scopes": " ".join(sorted(principal.scopes)),
    }


def _shown_id(credential: Credential) -> str | int:
    """A key's id as the API shows it, for a service to find the key by; of others their uuid."""
    if credential.kind != "key" or profiles.active().wire.ids == "uuid":
        return credential.id  # as it is: this is on the way of every request
    return format_id("api_key", credential.number, UUID(credential.id))
