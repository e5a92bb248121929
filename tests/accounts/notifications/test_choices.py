"""People choose which mails about keys they get, at auth/me and on a page, and administrators choose some."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.users.changes import UserChanges
from accounts.users.services import update_user
from audit.models import Event
from config.wire.errors import Invalid
from tests.accounts.helpers import caller_as
from tests.admin.helpers import errors_of, page, text_of
from tests.admin.test_stale_pages import filled
from tests.conftest import Cast, as_user, assert_problem
from tests.console.helpers import console_of
from tests.logins import browser

PAGE = "/account/profile/mails"
EVERYTHING = ["expiring", "unused", "new_network"]


def chosen(user: User) -> list[str]:
    kinds: list[str] = User.objects.get(pk=user.pk).notifications
    return kinds


def test_a_new_person_gets_every_mail(cast: Cast) -> None:
    assert as_user(cast.alice).get("auth/me").json()["notifications"] == EVERYTHING


def test_people_choose_and_the_kinds_are_in_one_order(cast: Cast) -> None:
    alice = as_user(cast.alice)
    answer = alice.patch("auth/me", {"notifications": ["new_network", "expiring", "expiring"]})
    assert answer.json()["notifications"] == ["expiring", "new_network"]
    assert alice.patch("auth/me", {"notifications": []}).json()["notifications"] == []
    assert alice.patch("auth/me", {"name": "Alice"}).json()["notifications"] == []


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (["leaked"], "'leaked' is not a kind; the kinds are: expiring, unused, new_network"),
        (["a", "b", "c", "d"], ""),
        ("expiring", ""),
        ([7], ""),
        (None, ""),
    ],
)
def test_anything_else_is_an_error_at_the_member(cast: Cast, sent: object, said: str) -> None:
    problem = assert_problem(as_user(cast.alice).patch("auth/me", {"notifications": sent}), 400)
    assert problem["errors"][0]["member"].partition(".")[0] == "notifications"
    assert said in problem["errors"][0]["detail"]
    assert chosen(cast.alice) == EVERYTHING


def test_a_page_has_a_box_for_each_kind(cast: Cast) -> None:
    alice = console_of(cast.alice)
    assert alice.get(PAGE).content.decode().count("checked") == 3
    answer = alice.post(PAGE, {"notifications": ["unused"]}, follow=True)
    assert "Your choice of mails is saved." in answer.content.decode()
    assert "an API key has not been used for a long time" in answer.content.decode()
    assert chosen(cast.alice) == ["unused"]
    assert alice.get(PAGE).content.decode().count("checked") == 1
    assert alice.post(PAGE, {"notifications": ["leaked"]}).status_code == 400
    answer = alice.post(PAGE, {}, follow=True)
    assert "You get none, except about keys that are found in public." in answer.content.decode()
    assert chosen(cast.alice) == []


def form_of(ada: Client, person: User) -> Any:
    """The form of the page of a person, and what a browser sends of it."""
    return filled(ada.get(page("accounts_user_change", person.pk)))


def save(ada: Client, person: User, sent: Any, *kinds: str) -> Any:
    """Tick these boxes alone."""
    return ada.post(page("accounts_user_change", person.pk), sent | {"notifications": list(kinds)})


def test_administrators_choose_for_a_person_and_it_is_recorded(cast: Cast) -> None:
    ada = browser(cast.ada)
    assert save(ada, cast.bob, form_of(ada, cast.bob), "unused").status_code == 302
    assert chosen(cast.bob) == ["unused", "new_network"]
    event = Event.objects.latest("sequence")
    assert (event.name, event.target_id) == ("user:changed", str(cast.bob.uuid))
    assert event.detail == {"members": ["notifications"]}
    save(ada, cast.bob, form_of(ada, cast.bob))
    assert chosen(cast.bob) == ["new_network"]
    save(ada, cast.bob, form_of(ada, cast.bob), "expiring", "unused")
    assert chosen(cast.bob) == EVERYTHING


@pytest.mark.requirement(122)
def test_nobody_chooses_the_security_mails_of_somebody_else(cast: Cast) -> None:
    ada = browser(cast.ada)
    as_user(cast.alice).patch("auth/me", {"notifications": []})
    save(ada, cast.alice, form_of(ada, cast.alice), "expiring")
    assert chosen(cast.alice) == ["expiring"]
    for kind in ("new_network", "leaked"):
        answer = save(ada, cast.bob, form_of(ada, cast.bob), kind)
        assert "valid choice" in errors_of(answer)["notifications"]
        with pytest.raises(Invalid):
            update_user(caller=caller_as(cast.ada), user=cast.bob, changes=UserChanges(notifications=[kind]))
    assert chosen(cast.bob) == EVERYTHING


@pytest.mark.parametrize("before", [[], ["expiring"], EVERYTHING])
def test_a_page_that_was_open_undoes_no_choice(cast: Cast, before: list[str]) -> None:
    ada, bob = browser(cast.ada), as_user(cast.bob)
    bob.patch("auth/me", {"notifications": before})
    sent = form_of(ada, cast.bob)
    bob.patch("auth/me", {"notifications": ["unused"]})
    assert ada.post(page("accounts_user_change", cast.bob.pk), sent | {"name": "Rob"}).status_code == 302
    assert (User.objects.get(pk=cast.bob.pk).name, chosen(cast.bob)) == ("Rob", ["unused"])


def test_those_who_change_nobody_see_what_a_person_gets(cast: Cast) -> None:
    shown = text_of(browser(cast.audrey).get(page("accounts_user_change", cast.bob.pk)))
    assert "an API key expires soon, an API key has not been used for a long time" in shown
    assert 'name="notifications"' not in shown
