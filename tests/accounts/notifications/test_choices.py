"""People choose which mails about keys they get, at auth/me and on a page; administrators see it."""

import pytest

from accounts.models import User
from tests.conftest import Cast, as_user, assert_problem
from tests.console.helpers import console_of

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


def test_administrators_see_what_a_person_gets(cast: Cast) -> None:
    page = console_of(cast.ada).get(f"/admin/accounts/user/{cast.bob.pk}/change/").content.decode()
    assert "an API key expires soon, an API key has not been used for a long time" in page
