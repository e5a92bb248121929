"""A profile can limit the lifetime of keys, for callers who create them and callers who rotate them."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import dateformat, timezone

from apikeys.admin.new_key_form import NewKeyForm
from apikeys.models import ApiKey
from config import profiles
from config.profiles import ProfileError, parse
from config.wire.fields import timestamp
from tests.accounts.helpers import caller_as, serving
from tests.admin.helpers import errors_of, page, text_of
from tests.commands.helpers import refusal_of, run
from tests.config.profile_texts import GOOD
from tests.conftest import Cast, as_user, assert_problem, make_key
from tests.logins import browser

ADD = "apikeys_apikey_add"
MAKE = ("createapikey", "--name", "CI", "--user", "bob")


@pytest.fixture
def thirty_days() -> Iterator[None]:
    with serving("keys", longest_days=30):
        yield


@pytest.fixture
def admin(cast: Cast, thirty_days: None) -> Client:
    return browser(cast.ada)


@pytest.mark.parametrize("days", [None, 31, 4000])
def test_a_key_for_longer_is_refused_with_the_latest_time(
    cast: Cast, thirty_days: None, days: int | None
) -> None:
    sent = {"name": "CI", "expires_at": days and timestamp(timezone.now() + timedelta(days=days))}
    problem = assert_problem(as_user(cast.bob).post("api-keys", sent), 400, "invalid", "expires_at")
    latest = timezone.now() + timedelta(days=30)
    assert f"must not be after {latest:%Y-%m-%d}" in problem["detail"]
    assert not ApiKey.objects.exists()


def test_a_key_up_to_the_limit_is_made(cast: Cast, thirty_days: None) -> None:
    sent = {"name": "CI", "expires_at": timestamp(timezone.now() + timedelta(days=30))}
    assert as_user(cast.bob).post("api-keys", sent).status_code == 201


def test_a_rotated_key_is_held_to_it_too(cast: Cast, operator: object) -> None:
    key = make_key(cast.bob).row
    with serving("keys", longest_days=30):
        api = as_user(cast.bob)
        assert_problem(api.post(f"api-keys/{key.uuid}/rotate", {}), 400, "invalid", "expires_at")
        soon = {"expires_at": timestamp(timezone.now() + timedelta(days=29))}
        assert api.post(f"api-keys/{key.uuid}/rotate", soon).status_code == 201


def test_a_command_says_it_in_one_line(cast: Cast, thirty_days: None) -> None:
    assert "expires_at: must not be after" in refusal_of(*MAKE)
    assert "expires_at: must not be after" in refusal_of(*MAKE, "--expires-in", "31d")
    run(*MAKE, "--expires-in", "30d")
    assert ApiKey.objects.count() == 1


def test_the_form_offers_nothing_longer(cast: Cast, admin: Client) -> None:
    offered = dict(admin.get(page(ADD)).context["form"].fields["lifetime"].choices)
    assert offered == {"7": "7 days", "30": "30 days, the longest", "date": "until the date below"}
    latest = dateformat.format(timezone.now() + timedelta(days=30), "j M Y")
    assert f"Not after {latest}" in text_of(admin.get(page(ADD)))
    form = admin.get(page(ADD)).context["form"]
    sent = {"name": "CI", "environment": "live", "user": cast.bob.pk, "ticket": form["ticket"].value()}
    assert "lifetime" in errors_of(admin.post(page(ADD), sent | {"lifetime": "never"}))
    late = {"lifetime": "date", "expires_at": "2999-01-01T00:00"}
    assert "must not be after" in errors_of(admin.post(page(ADD), sent | late))["expires_at"]
    assert "new-key" in text_of(admin.post(page(ADD), sent | {"lifetime": "30"}))


@pytest.mark.parametrize(
    ("longest", "offered"),
    [
        (None, ["7", "30", "90", "365", "date", "never"]),
        (7, ["7", "date"]),
        (100, ["7", "30", "90", "100", "date"]),
        (365, ["7", "30", "90", "365", "date"]),
    ],
)
def test_what_is_offered_follows_the_profile(cast: Cast, longest: int | None, offered: list[str]) -> None:
    with serving("keys", longest_days=longest):
        form = NewKeyForm(caller_as(cast.bob).principal)
    choices = form.fields["lifetime"].choices  # type: ignore[attr-defined]  # a ChoiceField
    assert [value for value, _ in choices] == offered
    assert form.fields["lifetime"].initial in offered


def test_no_shipped_profile_limits_keys_since_no_product_says_that_it_does() -> None:
    assert profiles.active().keys.longest_days is None


@pytest.mark.parametrize("days", ["0", "-1", "3651", '"a year"'])
def test_a_malformed_limit_is_refused(days: str) -> None:
    with pytest.raises(ProfileError, match="longest_days"):
        parse(GOOD.replace("[keys]", f"[keys]\nlongest_days = {days}"), source="x")
