"""Renders every error as application/problem+json (RFC 9457): of views, parsers, router and server."""

import json
import logging
import math
import sys
from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import DisallowedHost, RequestDataTooBig, TooManyFieldsSent
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions
from rest_framework.response import Response

from config import profiles
from config.wire import members
from config.wire.errors import (
    MOST_ERRORS,
    Busy,
    DomainError,
    InsufficientScope,
    NotFound,
    PreconditionFailed,
    TooManyAttempts,
)
from config.wire.http.challenges import bearer, with_reason
from config.wire.quoting import quoted

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = "2"
DATABASE_ERRORS = (OperationalError, InterfaceError)
# Pages whose mailed address contains a token.
MAILED_LINKS = (
    *("/reset-password", "/recovery", "/confirm-email", "/undo-email-change", "/accept-invitation"),
    "/unsubscribe",
)
PAGES = ("/account", "/admin", "/device", "/change-password", *MAILED_LINKS)

log = logging.getLogger("keyhouse.problems")


def problem(
    status: int, code: str, detail: str, *, errors: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the members of a problem document; `errors` is {member: what is wrong with it}."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
    }
    if errors:
        body["errors"] = [{"member": member, "detail": text} for member, text in errors.items()]
    return body


def problem_response(
    status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """Return a problem document as a plain Django response."""
    return HttpResponse(
        _document(status, code, detail), status=status, content_type=MEDIA_TYPE, headers=dict(headers or {})
    )


@lru_cache(maxsize=256)
def _document(status: int, code: str, detail: str) -> str:
    """Return the problem as JSON. Cached, because most refusals repeat earlier ones."""
    return json.dumps(problem(status, code, detail))


def domain_response(error: DomainError, challenges: str = "") -> HttpResponse:
    """Return a DomainError as a plain Django response, for views that are not DRF's."""
    headers = headers_of(error, challenges)
    return problem_response(error.status, error.code, error.detail, headers=headers)


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's EXCEPTION_HANDLER: return the problem document for `error`, None for a bug (a 500)."""
    resource = getattr(context.get("view"), "resource", "")
    if isinstance(error, DomainError):
        spelled = {members.external_name(resource, member): text for member, text in error.errors.items()}
        detail = sentence(spelled) or error.detail
        headers = headers_of(error, _challenges_of(context))
        return _drf(error.status, error.code, detail, errors=spelled, headers=headers)
    if isinstance(error, Http404):
        return handle(NotFound("Not found."), context)
    if isinstance(error, DATABASE_ERRORS):
        return _unavailable(error)
    if isinstance(error, RequestDataTooBig):
        return _drf(413, "too_large", "The body is larger than 1 MiB.")
    if isinstance(error, exceptions.UnsupportedMediaType):
        return _drf(error.status_code, str(error.get_codes()), _of_media_types(context))
    if isinstance(error, exceptions.APIException):
        return _from_drf(error)
    return None


def _of_media_types(context: dict[str, Any]) -> str:
    """Return a sentence about a body of another type than those that the view reads."""
    known = " or ".join(parser.media_type for parser in context["view"].parser_classes)
    sent = context["request"].content_type
    return f"The Content-Type must be {known}" + (f", not {quoted(sent)}." if sent else "; it is missing.")


def _from_drf(error: exceptions.APIException) -> Response:
    if isinstance(error, exceptions.ValidationError):
        return _from_faults(flatten(error.detail), unnamed=getattr(error, "unnamed", 0))
    headers = {}
    if isinstance(error, exceptions.Throttled):
        headers["Retry-After"] = str(math.ceil(getattr(error, "wait", None) or 1))
    if isinstance(error, (exceptions.NotAuthenticated, exceptions.AuthenticationFailed)):
        headers["WWW-Authenticate"] = bearer()
    code = error.get_codes()
    return _drf(error.status_code, str(code), str(error.detail), headers=headers)


def _from_faults(faults: list[tuple[str, str]], unnamed: int) -> Response:
    errors = dict(faults[:MOST_ERRORS])
    others = len(faults) - len(errors) + unnamed
    detail = sentence(errors) + (f"; {others} more faults are not listed" if others else "")
    return _drf(400, "invalid", detail, errors={member: text for member, text in errors.items() if member})


def sentence(errors: Mapping[str, str]) -> str:
    """Return what is wrong with each member, in one line. Only the last text keeps its full stop."""
    texts = [f"{member}: {text}" if member else text for member, text in errors.items()]
    return "; ".join([*(text.removesuffix(".") for text in texts[:-1]), *texts[-1:]])


def flatten(detail: Any, member: str = "") -> list[tuple[str, str]]:
    """Turn DRF's nested error detail into (member, text) pairs; members of members as "scopes.0"."""
    if isinstance(detail, dict):
        return [pair for key, value in detail.items() for pair in flatten(value, _join(member, str(key)))]
    if isinstance(detail, list):
        if all(isinstance(item, str) for item in detail):
            return [(member, " ".join(str(item) for item in detail))]
        return [pair for i, item in enumerate(detail) for pair in flatten(item, _join(member, str(i)))]
    return [(member, str(detail))]


def _join(member: str, key: str) -> str:
    if key == "non_field_errors":
        return member
    return f"{member}.{key}" if member else key


def _drf(
    status: int,
    code: str,
    detail: str,
    *,
    errors: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    body = problem(status, code, detail, errors=errors)
    return Response(body, status=status, content_type=MEDIA_TYPE, headers=dict(headers or {}))


def headers_of(error: DomainError, challenges: str = "") -> dict[str, str]:
    """Return the headers that an answer with this error needs.

    `challenges`: those of a 401 where more than Bearer is accepted, Bearer's last.
    """
    if isinstance(error, (Busy, PreconditionFailed, TooManyAttempts)):
        return error.headers
    if error.status == 401:
        return {"WWW-Authenticate": with_reason(challenges or bearer(), error)}
    if isinstance(error, InsufficientScope):
        return {"WWW-Authenticate": with_reason(bearer(), error)}
    return {}


def _challenges_of(context: dict[str, Any]) -> str:
    """Return what the view's authentication says to callers without a credential; "" if it has none."""
    view = context.get("view")
    return (view.get_authenticate_header(context["request"]) or "") if view else ""


def unavailable(error: Exception) -> HttpResponse:
    """Return the 503 of a database that cannot be reached, as a plain Django response. Logs one line."""
    _log_unavailable(error)
    response = problem_response(503, "unavailable", UNAVAILABLE, headers={"Retry-After": RETRY_SECONDS})
    setattr(response, "_has_been_logged", True)  # noqa: B010 (else Django adds a traceback for each request)
    return response


def _log_unavailable(error: Exception) -> None:
    log.error("database unavailable: %s", str(error).partition("\n")[0])


def _unavailable(error: Exception) -> Response:
    _log_unavailable(error)
    return _drf(503, "unavailable", UNAVAILABLE, headers={"Retry-After": RETRY_SECONDS})


FAILED = "The server failed. The error has been logged."
UNAVAILABLE = (
    "The database cannot be reached. Try again. If the request changes something, first check if it did."
)


# Django's error handlers, which config.urls names: for requests that reached no DRF view. Browsers get what
# they say as a page (config.wire.http.middleware).


def wants_page(request: HttpRequest) -> bool:
    """Whether a browser requests one of our pages: it gets an error page, other clients a problem."""
    return is_page(request) and "text/html" in request.headers.get("Accept", "")


def is_page(request: HttpRequest) -> bool:
    """Whether people open this address with a browser. Programs use some of those of OAuth2, too."""
    return is_under(request.path, *PAGES, f"{profiles.active().base_path}/auth/oauth2")


def is_under(path: str, *roots: str) -> bool:
    """Whether `path` is one of the roots or below one: /admin-api is not below /admin."""
    return f"{path}/".startswith(tuple([f"{root}/" for root in roots]))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        return too_large()
    if isinstance(exception, TooManyFieldsSent):
        most = settings.DATA_UPLOAD_MAX_NUMBER_FIELDS
        return problem_response(400, "invalid_request", f"The form has more than {most} fields.")
    if isinstance(exception, DisallowedHost):
        return problem_response(
            400,
            "invalid_request",
            f"This Host is not in ALLOWED_HOSTS. Use {settings.PUBLIC_URL} instead.",
        )
    return problem_response(400, "invalid_request", "The request is malformed.")


def too_large() -> HttpResponse:
    return problem_response(413, "too_large", "The body is larger than 1 MiB.")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem_response(403, "not_allowed", "You may not do this.")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Tell a browser at another origin the public address: reloading would not restore its cookies."""
    if _is_elsewhere(request):
        detail = f"Browsers cannot use this service at this address. Open {settings.PUBLIC_URL} instead."
    else:
        detail = "The CSRF token is missing or wrong. Reload the page and send the form again."
    return problem_response(403, "csrf_failed", detail)


def _is_elsewhere(request: HttpRequest) -> bool:
    """Whether the Origin, or else the Host, is another origin than the public one (RFC 6454 section 4)."""
    origin, scheme = request.META.get("HTTP_ORIGIN", "null"), settings.PUBLIC_URL.partition("://")[0]
    here = f"{scheme}://{request.META.get('HTTP_HOST', '')}" if origin == "null" else origin
    return bool(here != settings.PUBLIC_URL)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem_response(404, "not_found", f"{ascii(request.path)[1:-1]} was not found.")


def server_error(request: HttpRequest) -> HttpResponse:
    error = sys.exc_info()[1]
    if isinstance(error, DATABASE_ERRORS):
        return unavailable(error)
    if isinstance(error, DomainError):
        return domain_response(error)
    return problem_response(500, "server_error", FAILED)
