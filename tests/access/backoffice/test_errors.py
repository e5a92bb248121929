"""Pages say errors of services in their own language; the API says them in English."""

import pytest
from django.utils import translation

from access.backoffice.errors import said_in_page
from config.wire.errors import DomainError, Invalid, Sentence

pytestmark = pytest.mark.once

ADDRESS = "is already your address"
MEMBERS = Sentence("must be at most %(most)d members", most=20)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Invalid("email", ADDRESS), "email: ist schon Ihre Adresse"),
        (Invalid("members", MEMBERS), "members: dürfen höchstens 20 Mitglieder sein"),
        (
            DomainError("wrong", errors={"email": ADDRESS, "members": MEMBERS}),
            "email: ist schon Ihre Adresse; members: dürfen höchstens 20 Mitglieder sein",
        ),
        (DomainError(MEMBERS), "dürfen höchstens 20 Mitglieder sein"),
        (DomainError("in no catalogue"), "in no catalogue"),
        (DomainError(""), ""),
    ],
)
def test_an_error_is_said_in_the_language_of_the_page(error: DomainError, said: str) -> None:
    with translation.override("de"):
        assert said_in_page(error) == said
