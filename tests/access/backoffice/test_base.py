"""What pages of the admin ask about the person, and how they say statuses and errors."""

from typing import Any

import pytest
from django import forms
from django.http import HttpRequest
from django.utils import translation

from access.backoffice.base import add_error, holds, may, said_status
from access.principals import Credential, Principal, operator
from config.profiles import Capability
from config.wire.errors import Conflict, DomainError, FreshProofRequired

pytestmark = pytest.mark.once

KEYS = Capability.MANAGE_KEYS
ACME, UMBRELLA = 7, 8


def test_power_in_an_organization_is_no_power_elsewhere() -> None:
    request: Any = HttpRequest()
    assert not may(request, KEYS) and not holds(request, frozenset({KEYS}))
    within = {ACME: operator("").everywhere}
    request.principal = Principal("8b1e", "alice", Credential("jwt", "1"), within=within)
    assert [may(request, KEYS, place) for place in (ACME, UMBRELLA, None)] == [True, False, False]
    assert holds(request, frozenset({KEYS})) and not holds(request, frozenset())


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["revoked"], '<span class="status revoked">widerrufen</span>'),
        (["revoked", "good"], '<span class="status good">widerrufen</span>'),
        (["<odd>", "good"], '<span class="status good">&lt;odd&gt;</span>'),
    ],
)
def test_a_status_is_a_coloured_word_in_the_language_of_the_page(words: list[str], shown: str) -> None:
    with translation.override("de"):
        assert said_status(*words) == shown


class NameForm(forms.Form):
    name = forms.CharField()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Conflict("name", "is taken"), {"name": ["is taken"]}),
        (Conflict("owner", "is gone"), {"__all__": ["is gone"]}),
        (DomainError("It is late."), {"__all__": ["It is late."]}),
        (DomainError("x", errors={"name": "is odd", "n": "y"}), {"name": ["is odd"], "__all__": ["y"]}),
    ],
)
def test_an_error_stands_beside_the_field_that_it_is_about(error: DomainError, said: dict[str, Any]) -> None:
    form = NameForm({"name": "x"})
    add_error(form, error)
    assert form.errors == said


def test_an_old_login_leads_to_the_page_that_renews_it() -> None:
    form = NameForm({"name": "x"})
    add_error(form, FreshProofRequired(600))
    (said,) = form.non_field_errors()
    assert '<a href="/account/prove" target="_blank">Confirm that it is you</a>, then send' in said
