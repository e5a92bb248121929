"""GET /gateway/check: a proxy asks, before it passes a request on, whether it may (forward auth)."""

from django.http import HttpRequest, HttpResponse

from accounts.principals import Principal
from config.errors import DomainError, MalformedCredentials, NotAllowed
from config.problems import challenge, domain_response, problem_response
from gateway.decision import decide

# How proxies say what the original request is: nginx by the first pair (its configuration sets it),
# Traefik and Caddy by the second (they always send it).
ORIGINAL = (("X-Original-Method", "X-Original-URI"), ("X-Forwarded-Method", "X-Forwarded-Uri"))


def check(request: HttpRequest) -> HttpResponse:
    """Answer 200 with the identity headers, 401 with WWW-Authenticate, or 403; nothing else.

    The identity headers are there on every 200, empty where nobody is known, so that a proxy that
    copies them overwrites what the client sent.
    """
    try:
        method, uri = original_request(request)
        principal = decide(request, method, uri)
    except MalformedCredentials as error:  # proxies know no 400 from here
        headers = {"WWW-Authenticate": f'{challenge()}, error="invalid_request"'}
        return problem_response(401, error.code, error.detail, headers=headers)
    except DomainError as error:
        return domain_response(error)
    return HttpResponse(status=200, headers=identity_headers(principal))


def original_request(request: HttpRequest) -> tuple[str, str]:
    """Return (method, URI) of the request that the proxy asks about.

    Raises NotAllowed when it does not say, or when headers of two kinds of proxy are there at once:
    one of them would be the client's.
    """
    pairs = [(request.headers.get(method), request.headers.get(uri)) for method, uri in ORIGINAL]
    named = [pair for pair in pairs if pair != (None, None)]
    if len(named) != 1:
        names = " or ".join(f"{method} and {uri}" for method, uri in ORIGINAL)
        raise NotAllowed(f"Send {names}, and only these.")
    method, uri = named[0]
    if method is None or uri is None:
        raise NotAllowed("The original method or the original URI is missing.")
    return method, uri


def identity_headers(principal: Principal | None) -> dict[str, str]:
    """Return what the service behind the proxy learns about its caller."""
    if principal is None:
        return dict.fromkeys(
            ("X-Auth-Subject", "X-Auth-Organization", "X-Auth-Credential", "X-Auth-Scopes"), ""
        )
    return {
        "X-Auth-Subject": principal.subject,
        "X-Auth-Organization": principal.organization,
        "X-Auth-Credential": f"{principal.credential.kind}:{principal.credential.id}",
        "X-Auth-Scopes": " ".join(sorted(principal.scopes)),
    }
