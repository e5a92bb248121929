"""Who a caller is at the command line and in the admin, and what a request's credential is called."""

import getpass
from dataclasses import replace
from typing import Any

import pytest
from django.http import HttpRequest

from access.callers import caller_at_command_line, credential_of
from access.principals import operator

pytestmark = pytest.mark.once


@pytest.mark.parametrize("error", [KeyError, OSError])
def test_an_operator_whom_the_system_does_not_name_is_unknown(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def nobody() -> str:
        raise error

    assert caller_at_command_line().principal.label == getpass.getuser()
    monkeypatch.setattr("getpass.getuser", nobody)
    assert caller_at_command_line().principal.label == "unknown"


def test_a_request_is_known_by_its_credential_or_by_the_person_in_the_admin() -> None:
    request: Any = HttpRequest()
    assert credential_of(request) == ""
    request.auth = "a word that another library left"
    assert credential_of(request) == ""
    request.principal = replace(operator("ada"), subject="8b1e")
    assert credential_of(request) == "admin:8b1e"
    request.auth = request.principal.credential
    assert credential_of(request) is request.auth
