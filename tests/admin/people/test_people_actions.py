"""Actions on many people at once in the admin: each asks first, and says what will stop working."""

import pytest
from django.test import Client

from accounts.models import User
from audit.models import Event
from tests.accounts.authenticator import enrolled
from tests.admin.helpers import act, confirm, messages_of, page, text_of
from tests.conftest import Cast, as_user
from tests.logins import browser

PEOPLE = "accounts_user"
TAKES = {
    "deactivate": "logged out everywhere and cannot log in",
    "end_sessions": "must log in again",
    "require_second_factor": "their roles allow them nothing",
    "remove_second_factor": "stop working",
}


@pytest.mark.parametrize("action", TAKES)
def test_before_something_is_taken_away_one_is_asked(ada: Client, cast: Cast, action: str) -> None:
    enrolled(cast.bob)
    people = User.objects.order_by("pk").values()
    before, events = list(people.all()), Event.objects.count()
    asked = text_of(act(ada, PEOPLE, action, cast.bob))
    assert TAKES[action] in asked and "bob (member): last login" in asked
    assert (list(people.all()), Event.objects.count()) == (before, events)


def test_people_are_deactivated_and_activated(ada: Client, cast: Cast) -> None:
    bob = as_user(cast.bob)
    done = confirm(ada, PEOPLE, "deactivate", cast.bob, cast.mallory)
    assert messages_of(done) == ["2 people deactivated."]
    assert bob.get("auth/me").status_code == 401
    assert messages_of(confirm(ada, PEOPLE, "activate", cast.bob, cast.ada)) == ["1 of 2 people activated."]
    assert as_user(cast.bob).get("auth/me").status_code == 200


@pytest.mark.requirement(51)
def test_if_the_last_administrator_is_among_them_nobody_is_deactivated(ada: Client, cast: Cast) -> None:
    done = confirm(ada, PEOPLE, "deactivate", cast.bob, cast.ada)
    assert messages_of(done) == ["is_active: at least one administrator must remain"]
    assert User.objects.filter(is_active=False).count() == 0


def test_people_who_must_have_a_second_factor_are_sent_to_where_they_add_one(ada: Client, cast: Cast) -> None:
    bob = browser(cast.bob)
    assert bob.get(page("apikeys_apikey_changelist")).status_code == 200
    confirm(ada, PEOPLE, "require_second_factor", cast.bob)
    assert bob.get(page("apikeys_apikey_changelist")).headers["Location"].startswith("/account/security/")
    listed = text_of(ada.get(page("accounts_user_changelist"), {"second_factor": "required"}))
    assert "bob@example.org" in listed and "alice@example.org" not in listed and ">required<" in listed
    confirm(ada, PEOPLE, "waive_second_factor", cast.bob)
    assert bob.get(page("apikeys_apikey_changelist")).status_code == 200


def test_organizations_are_named_as_far_as_one_sees_them(ada: Client, cast: Cast) -> None:
    shown = text_of(ada.get(page("accounts_user_changelist"), {"q": "bob"}))
    assert "Acme (developer)" in shown and "Umbrella" not in shown
    cast.bob.memberships.create(organization=cast.umbrella, role="developer")
    assert "Umbrella (developer)" in text_of(ada.get(page("accounts_user_changelist"), {"q": "bob"}))
    alices = text_of(browser(cast.alice).get(page("accounts_user_changelist"), {"q": "bob"}))
    assert "Acme (developer)" in alices and "Umbrella" not in alices
