"""Uses keys as the clients of another system send them."""

from typing import Any

from tests.conftest import Api

ASKED = {"X-Original-Method": "GET", "X-Original-URI": "/stock"}


def check(headers: dict[str, str]) -> Any:
    """The gateway's answer to a request with these headers."""
    return Api().get("/gateway/check", headers=ASKED | headers)


def status(headers: dict[str, str]) -> int:
    found: int = check(headers).status_code
    return found
