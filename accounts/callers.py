"""From an HTTP request, or the command line, to the Caller that services take."""

import getpass
from typing import cast

from rest_framework.request import Request

from accounts.principals import Caller, Principal, operator
from audit.actors import Origin


def principal_of_request(request: Request) -> Principal:
    """The authenticated principal of a DRF request."""
    return cast(Principal, request.user)


def caller_of(request: Request) -> Caller:
    """Who makes this DRF request, from where and when."""
    return Caller(principal_of_request(request), Origin.of(request._request))


def caller_at_command_line() -> Caller:
    """The operator who runs a command, by the name of their system account."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "unknown"
    return Caller(operator(name), Origin.here())
