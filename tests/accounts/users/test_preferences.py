"""The language and the time zone of a person: at auth/me."""

import zoneinfo
from typing import Any

import pytest

from accounts.models import User
from audit.models import Event
from tests.conftest import Cast, as_user, assert_problem

GERMAN = {"language": "de", "time_zone": "Europe/Berlin"}


def test_people_choose_their_language_and_time_zone(cast: Cast) -> None:
    bob = as_user(cast.bob)
    assert {name: bob.get("auth/me").json()[name] for name in GERMAN} == {"language": "", "time_zone": ""}
    assert bob.patch("auth/me", GERMAN).json().items() >= {**GERMAN, "name": "Bob"}.items()
    event = Event.objects.latest("sequence")
    assert (event.name, event.detail) == ("user:changed", {"members": ["language", "time_zone"]})
    assert bob.patch("auth/me", {"language": ""}).json().items() >= {**GERMAN, "language": ""}.items()


def test_no_change_is_no_event(cast: Cast) -> None:
    bob = as_user(cast.bob)
    bob.patch("auth/me", GERMAN)
    before = Event.objects.count(), bob.get("auth/me").headers["ETag"]
    for same in ({}, GERMAN):
        assert bob.patch("auth/me", same).status_code == 200
    assert (Event.objects.count(), bob.get("auth/me").headers["ETag"]) == before


@pytest.mark.parametrize(
    ("member", "wrong"),
    [
        *(("language", wrong) for wrong in ("fr", "DE", "de-AT", "x" * 17, None, 7)),
        *(("time_zone", wrong) for wrong in ("Mars/Olympus", "europe/berlin", "Europe", "../UTC")),
        *(("time_zone", wrong) for wrong in ("localtime", "+02:00", "x" * 65, None, 7)),
    ],
)
def test_an_unknown_language_or_zone_is_400_and_named(cast: Cast, member: str, wrong: Any) -> None:
    bob = as_user(cast.bob)
    before = Event.objects.count()
    assert_problem(bob.patch("auth/me", {"name": "Robert", member: wrong}), 400, "invalid", member)
    assert (User.objects.get(pk=cast.bob.pk).name, Event.objects.count()) == ("Bob", before)


def test_the_errors_say_what_would_be_right(cast: Cast) -> None:
    problem = as_user(cast.bob).patch("auth/me", {"language": "fr", "time_zone": "CET/CEST"}).json()
    assert {error["member"]: error["detail"] for error in problem["errors"]} == {
        "language": 'must be "en" or "de", or "" for the language of the browser',
        "time_zone": 'must be the name of a time zone, such as Europe/Berlin, or "" for UTC',
    }


def test_a_machine_without_time_zones_has_those_of_the_package() -> None:
    zoneinfo.reset_tzpath(to=())
    try:
        assert {"Europe/Berlin", "America/New_York"} <= zoneinfo.available_timezones()
    finally:
        zoneinfo.reset_tzpath()
