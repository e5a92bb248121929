"""From an HTTP request, the admin or the command line, to the Caller that services take."""

import getpass
from typing import cast

from django.http import HttpRequest
from rest_framework.request import Request

from access.principals import Caller, Principal, operator
from audit.actors import Origin


def principal_of_request(request: Request) -> Principal:
    """The authenticated principal of a DRF request."""
    return cast(Principal, request.user)


def caller_of(request: Request) -> Caller:
    """Who makes this DRF request, from where and when."""
    return Caller(principal_of_request(request), Origin.of(request._request))


def caller_in_admin(request: HttpRequest) -> Caller:
    """Who sits before the admin."""
    return Caller(principal_in(request), Origin.of(request))


def caller_at_command_line() -> Caller:
    """The operator who runs a command, by the name of their system account."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "unknown"
    return Caller(operator(name), Origin.here())


def principal_in(request: HttpRequest) -> Principal:
    """Return who sits before the admin: the site puts them there before it shows a page."""
    return cast(Principal, request.principal)  # type: ignore[attr-defined]


def principal_if_any(request: HttpRequest) -> Principal | None:
    """Return who sits before the admin, None where the site has not let anybody in."""
    return getattr(request, "principal", None)
