"""Each kind of event declares whom it concerns. An undeclared event concerns everybody."""

import pytest

from access.concerned import EVERYBODYS, WHOSE, concerned
from audit.events import CHANGES_NO_CALLER, EventName

pytestmark = pytest.mark.once

USER, SESSION, CONSENT, CLIENT = "user:1", "session:2", "consent:3", "oauth_client:4"


@pytest.mark.parametrize("name", list(EventName))
def test_of_each_event_it_is_said_once_whom_it_concerns(name: EventName) -> None:
    assert [name in said for said in (CHANGES_NO_CALLER, WHOSE, EVERYBODYS)].count(True) == 1


@pytest.mark.parametrize("name", ["somebody:transmogrified", *EVERYBODYS])
def test_an_event_that_is_not_known_or_names_nobody_concerns_everybody(name: str) -> None:
    assert concerned(name, [USER, "organization:5"]) is None


@pytest.mark.parametrize("name", [name for name, kinds in WHOSE.items() if kinds])
def test_an_event_whose_subjects_are_of_other_kinds_concerns_everybody(name: str) -> None:
    assert concerned(name, []) is None
    assert concerned(name, ["tree:5"]) is None


@pytest.mark.parametrize(
    ("name", "subjects", "expected"),
    [
        (EventName.SESSION_ENDED, [SESSION, USER], {SESSION}),
        (EventName.SESSION_ENDED, [USER], {USER}),
        (EventName.REFRESH_TOKEN_REUSED, [SESSION, USER], {SESSION}),
        (EventName.REFRESH_TOKEN_REUSED, [CONSENT, USER, CLIENT], {CONSENT}),
        (EventName.OAUTH_TOKEN_REVOKED, [CONSENT, USER, CLIENT], {CONSENT}),
        (EventName.OAUTH_TOKEN_REVOKED, [CLIENT, USER], {CLIENT}),
        (EventName.ROLE_CHANGED, ["organization:5", USER], {USER}),
        (EventName.API_KEY_REVOKED, ["api_key:6", USER], {"api_key:6"}),
        (EventName.INVITATION_REVOKED, ["invitation:7", "organization:5"], set()),
    ],
)
def test_an_event_concerns_the_narrowest_of_its_subjects_that_says_whom(
    name: EventName, subjects: list[str], expected: set[str]
) -> None:
    assert concerned(name, subjects) == frozenset(expected)
