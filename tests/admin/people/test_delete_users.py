"""People are deleted in the admin: one, or many, all of them or none."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from audit.models import Event
from tests.admin.helpers import messages_of, page, text_of
from tests.conftest import Cast, make_key
from tests.logins import browser

LIST = "accounts_user_changelist"
DELETE = "accounts_user_delete"


def delete_selected(client: Client, *people: User, **more: Any) -> Any:
    sent = {"action": "delete_selected", "_selected_action": [user.pk for user in people], **more}
    return client.post(page(LIST), sent, follow=True)


def are_there(*people: User) -> bool:
    return User.objects.filter(pk__in=[user.pk for user in people]).count() == len(people)


def test_a_person_is_deleted_after_a_question_and_recorded(ada: Client, cast: Cast) -> None:
    make_key(cast.bob)
    asked = text_of(ada.get(page(DELETE, cast.bob.pk)))
    assert "bob, with memberships, sessions and API keys" in asked
    assert are_there(cast.bob)
    answer = ada.post(page(DELETE, cast.bob.pk), {"post": "yes"}, follow=True)
    assert "deleted successfully" in messages_of(answer)[0]
    assert not are_there(cast.bob)
    event = Event.objects.latest("sequence")
    assert (event.name, event.actor_id, event.target_id) == (
        "user:deleted",
        str(cast.ada.uuid),
        str(cast.bob.uuid),
    )
    assert event.detail == {"role": "member", "api_keys": 1}


def test_many_are_deleted_after_a_question_and_each_recorded(ada: Client, cast: Cast) -> None:
    assert "bob, with memberships" in text_of(delete_selected(ada, cast.bob, cast.mallory))
    assert are_there(cast.bob, cast.mallory)
    answer = delete_selected(ada, cast.bob, cast.mallory, post="yes")
    assert messages_of(answer) == ["Successfully deleted 2 users."]
    assert not User.objects.filter(pk__in=[cast.bob.pk, cast.mallory.pk]).exists()
    events = Event.objects.filter(name="user:deleted")
    assert {event.target_label for event in events} == {"bob", "mallory"}


@pytest.mark.requirement(51)
def test_if_the_caller_is_among_them_nobody_is_deleted(ada: Client, cast: Cast) -> None:
    answer = delete_selected(ada, cast.bob, cast.ada, cast.mallory, post="yes")
    assert messages_of(answer) == [
        "Nobody was deleted.",
        "id: you cannot delete your own account",
    ]
    assert are_there(cast.ada, cast.bob, cast.mallory)
    assert not Event.objects.filter(name="user:deleted").exists()


@pytest.mark.requirement(50)
def test_if_one_of_them_may_do_more_nobody_is_deleted(cast: Cast, people_manager: User) -> None:
    answer = delete_selected(browser(people_manager), cast.bob, cast.ada, post="yes")
    assert messages_of(answer) == ["Nobody was deleted.", "ada may do more than you."]
    assert are_there(cast.ada, cast.bob)
    assert Event.objects.latest("sequence").name == "access:denied"


@pytest.mark.parametrize("who", ["audrey", "alice", "bob", "mallory"])
@pytest.mark.requirement(47)
def test_only_managers_of_people_delete_people(cast: Cast, who: str) -> None:
    client = browser(getattr(cast, who))
    assert client.get(page(DELETE, cast.charlie.pk)).status_code in {302, 403}
    assert client.post(page(DELETE, cast.charlie.pk), {"post": "yes"}).status_code in {302, 403}
    delete_selected(client, cast.charlie, post="yes")
    assert are_there(cast.charlie)
