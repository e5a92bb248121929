"""Where people are logged in, in the admin."""

import pytest
from django.test import Client

from accounts.models import Session, User
from audit.models import Event
from tests.admin.helpers import browser, messages_of, page, text_of
from tests.conftest import Api, Cast, as_user, assert_problem, log_in

LIST = "accounts_session_changelist"
PEOPLE = "accounts_user_changelist"


@pytest.fixture
def ada(cast: Cast) -> Client:
    return browser(cast.ada)


def session_of(user: User) -> Session:
    return Session.objects.get(user=user, ended_at=None)


def test_row_34_sessions_are_listed_and_searched_by_person(ada: Client, cast: Cast) -> None:
    pairs = [log_in(cast.bob), log_in(cast.charlie)]
    shown = text_of(ada.get(page(LIST)))
    assert ">bob<" in shown and ">charlie<" in shown
    assert not any(pair["refresh_token"] in shown for pair in pairs)
    found = text_of(ada.get(page(LIST), {"q": "bob"}))
    assert ">bob<" in found and ">charlie<" not in found


def test_row_34_selected_sessions_are_ended(ada: Client, cast: Cast) -> None:
    bob, charlie = as_user(cast.bob), as_user(cast.charlie)
    sent = {"action": "end", "_selected_action": [session_of(cast.bob).pk]}
    answer = ada.post(page(LIST), sent, follow=True)
    assert messages_of(answer) == ["Sessions ended: 1."]
    assert_problem(bob.get("auth/me"), 401, "invalid_token")
    assert charlie.get("auth/me").status_code == 200
    event = Event.objects.latest("sequence")
    assert (event.name, event.actor_id) == ("session:ended", str(cast.ada.uuid))


def test_row_34_all_sessions_of_selected_people_are_ended(ada: Client, cast: Cast) -> None:
    logins = [as_user(cast.bob), as_user(cast.bob), as_user(cast.charlie)]
    bobs_browser = browser(cast.bob)
    sent = {"action": "end_sessions", "_selected_action": [cast.bob.pk, cast.charlie.pk]}
    answer = ada.post(page(PEOPLE), sent, follow=True)
    assert messages_of(answer) == ["People whose sessions have all ended: 2."]
    for api in logins:
        assert_problem(api.get("auth/me"), 401, "invalid_token")
    assert bobs_browser.get("/admin/").status_code == 302
    details = {event.target_label: event.detail for event in Event.objects.filter(name="session:ended")}
    assert details == {"bob": {"sessions": 2}, "charlie": {"sessions": 1}}


@pytest.mark.parametrize("who", ["audrey", "alice", "bob", "mallory"])
def test_row_47_who_does_not_manage_people_sees_and_ends_no_session(cast: Cast, who: str) -> None:
    charlie, client = as_user(cast.charlie), browser(getattr(cast, who))
    assert client.get(page(LIST)).status_code == 403
    number = session_of(cast.charlie).pk
    assert client.get(page("accounts_session_change", number)).status_code in {302, 403}
    client.post(page(LIST), {"action": "end", "_selected_action": [number]})
    client.post(page(PEOPLE), {"action": "end_sessions", "_selected_action": [cast.charlie.pk]})
    assert charlie.get("auth/me").status_code == 200


def test_row_50_nobody_ends_the_sessions_of_those_above_them(cast: Cast, people_manager: User) -> None:
    ada, client = as_user(cast.ada), browser(people_manager)
    for address, action, number in (
        (LIST, "end", session_of(cast.ada).pk),
        (PEOPLE, "end_sessions", cast.ada.pk),
    ):
        answer = client.post(page(address), {"action": action, "_selected_action": [number]}, follow=True)
        assert messages_of(answer) == ["ada may do more than you."]
    assert ada.get("auth/me").status_code == 200


def test_row_78_a_session_is_never_made_changed_or_deleted_here(ada: Client, cast: Cast) -> None:
    log_in(cast.bob)
    number = session_of(cast.bob).pk
    shown = text_of(ada.get(page("accounts_session_change", number)))
    assert "refresh_digest" not in shown and "_save" not in shown
    assert ada.get(page("accounts_session_add")).status_code == 403
    assert ada.post(page("accounts_session_change", number), {"ip": "192.0.2.9"}).status_code == 403
    assert ada.post(page("accounts_session_delete", number), {"post": "yes"}).status_code == 403
    assert Api().get("/admin/accounts/session/").status_code == 302
