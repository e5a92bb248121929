"""Makes the Caller that services take, from an HTTP request, the admin or the command line."""

import getpass
from typing import cast

from django.http import HttpRequest
from rest_framework.request import Request

from access.principals import Caller, Credential, Principal, operator
from audit.actors import Origin


def principal_of_request(request: Request) -> Principal:
    """Return the authenticated principal of a DRF request."""
    return cast(Principal, request.user)


def caller_of(request: Request) -> Caller:
    """Return who makes this DRF request, from where and when."""
    return Caller(principal_of_request(request), Origin.of(request._request))


def caller_in_admin(request: HttpRequest) -> Caller:
    """Return who uses the admin, from where and when."""
    return Caller(principal_in(request), Origin.of(request))


def caller_at_command_line() -> Caller:
    """Return the operator who runs a command, labelled with their system account."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "unknown"
    return Caller(operator(name), Origin.here())


def principal_in(request: HttpRequest) -> Principal:
    """Return who uses the admin. The admin site sets it before it shows a page."""
    return cast(Principal, request.principal)  # type: ignore[attr-defined]


def principal_if_any(request: HttpRequest) -> Principal | None:
    """Return who uses the admin, or None before the admin site has let anybody in."""
    return getattr(request, "principal", None)


def credential_of(request: HttpRequest) -> Credential | str:
    """Return the credential of a request, whose str() is its kind and public id; "" without one.

    Browsers have a session without a public id, so a person in the admin is named in its place.
    """
    credential = getattr(request, "auth", None)  # DRF leaves it there
    if isinstance(credential, Credential):
        return credential
    principal = principal_if_any(request)
    return f"admin:{principal.subject}" if principal else ""
