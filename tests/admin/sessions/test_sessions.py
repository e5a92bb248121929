"""Where people are logged in, in the admin."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from accounts.models import Session, User
from audit.models import Event
from tests.admin.helpers import act, confirm, messages_of, page, text_of
from tests.conftest import Api, Cast, as_user, assert_problem, log_in
from tests.logins import browser

LIST = "accounts_session_changelist"


def session_of(user: User) -> Session:
    return Session.objects.get(user=user, ended_at=None)


@pytest.mark.requirement(34)
def test_sessions_are_listed_and_searched_by_person(ada: Client, cast: Cast) -> None:
    pairs = [log_in(cast.bob), log_in(cast.charlie)]
    assert page(LIST) in text_of(ada.get("/admin/"))
    shown = text_of(ada.get(page(LIST)))
    assert ">bob<" in shown and ">charlie<" in shown
    assert not any(pair["refresh_token"] in shown for pair in pairs)
    found = text_of(ada.get(page(LIST), {"q": "bob"}))
    assert ">bob<" in found and ">charlie<" not in found


@pytest.fixture
def old_and_new(cast: Cast) -> list[Session]:
    """A login of bob that ended an hour ago, and one of charlie that goes on."""
    now = datetime.now(UTC)
    rows = []
    for user, ip, program in ((cast.bob, "192.0.2.7", "Firefox/140.0"), (cast.charlie, "192.0.2.8", "<b>")):
        log_in(user)
        rows.append(session_of(user))
        seen = {"created_at": now - timedelta(hours=3), "last_seen_at": now - timedelta(hours=2)}
        Session.objects.filter(user=user).update(ip=ip, user_agent=program, **seen)
    Session.objects.filter(user=cast.bob).update(ended_at=now - timedelta(hours=1))
    return rows


@pytest.mark.requirement(34)
def test_the_list_says_from_where_and_when_and_whether_the_login_goes_on(
    ada: Client, old_and_new: list[Session]
) -> None:
    shown = text_of(ada.get(page(LIST)))
    old, new = (row_of(shown, name) for name in ("bob", "charlie"))
    assert '<span title="Firefox/140.0">Firefox' in old and "<b>" not in new and "&lt;b&gt;" in new
    assert "192.0.2.7" in old and "192.0.2.8" in new
    for row in (old, new):
        assert "3\xa0hours ago" in row and "2\xa0hours ago" in row
    assert ">ended 1\xa0hour ago<" in old and "status expired" in old
    assert ">live<" in new and "status active" in new
    assert '"?state=live">live</a>' in shown and '"?state=ended">ended</a>' in shown


def row_of(shown: str, name: str) -> str:
    """The row of a list that names this person."""
    [found] = [row for row in shown.split("<tr>") if f">{name}<" in row]
    return found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"state": "live"}, {"charlie"}),
        ({"state": "ended"}, {"bob"}),
        ({"q": "192.0.2.8"}, {"charlie"}),
        ({"q": "192.0.2."}, set()),
        ({"q": "bob@"}, {"bob"}),
        ({"q": ""}, {"bob", "charlie"}),
    ],
)
@pytest.mark.requirement(34)
def test_sessions_are_found_by_their_state_a_whole_address_or_the_beginning_of_a_name(
    ada: Client, old_and_new: list[Session], query: dict[str, str], found: set[str]
) -> None:
    shown = text_of(ada.get(page(LIST), query))
    assert {name for name in ("bob", "charlie") if f">{name}<" in shown} == found


@pytest.mark.requirement(34)
def test_selected_sessions_are_ended(ada: Client, cast: Cast) -> None:
    bob, charlie = as_user(cast.bob), as_user(cast.charlie)
    session = session_of(cast.bob)
    Session.objects.update(user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0")
    assert "bob, Firefox on Linux at 127.0.0.1" in text_of(act(ada, "accounts_session", "end", session))
    assert bob.get("auth/me").status_code == 200
    answer = confirm(ada, "accounts_session", "end", session)
    assert messages_of(answer) == ["1 session ended."]
    assert_problem(bob.get("auth/me"), 401, "invalid_token")
    assert charlie.get("auth/me").status_code == 200
    event = Event.objects.latest("sequence")
    assert (event.name, event.actor_id) == ("session:ended", str(cast.ada.uuid))


@pytest.mark.requirement(34)
def test_all_sessions_of_selected_people_are_ended(ada: Client, cast: Cast) -> None:
    logins = [as_user(cast.bob), as_user(cast.bob), as_user(cast.charlie)]
    bobs_browser = browser(cast.bob)
    assert "bob (member): last login just now" in text_of(act(ada, "accounts_user", "end_sessions", cast.bob))
    answer = confirm(ada, "accounts_user", "end_sessions", cast.bob, cast.charlie)
    assert messages_of(answer) == ["2 people logged out everywhere."]
    for api in logins:
        assert_problem(api.get("auth/me"), 401, "invalid_token")
    assert bobs_browser.get("/admin/").status_code == 302
    details = {event.target_label: event.detail for event in Event.objects.filter(name="session:ended")}
    assert details == {"bob": {"sessions": 3}, "charlie": {"sessions": 1}}


@pytest.mark.parametrize("who", ["audrey", "alice", "bob", "mallory"])
@pytest.mark.requirement(47)
def test_who_does_not_manage_people_sees_and_ends_no_session(cast: Cast, who: str) -> None:
    charlie, client = as_user(cast.charlie), browser(getattr(cast, who))
    assert page(LIST) not in text_of(client.get("/admin/"))
    assert client.get(page(LIST)).status_code == 403
    number = session_of(cast.charlie).pk
    assert client.get(page("accounts_session_change", number)).status_code in {302, 403}
    confirm(client, "accounts_session", "end", session_of(cast.charlie))
    confirm(client, "accounts_user", "end_sessions", cast.charlie)
    assert charlie.get("auth/me").status_code == 200


@pytest.mark.requirement(50)
def test_nobody_ends_the_sessions_of_those_above_them(cast: Cast, people_manager: User) -> None:
    ada, client = as_user(cast.ada), browser(people_manager)
    for model, action, row in (
        ("accounts_session", "end", session_of(cast.ada)),
        ("accounts_user", "end_sessions", cast.ada),
    ):
        answer = confirm(client, model, action, row)
        assert messages_of(answer) == ["ada may do more than you."]
        denied = Event.objects.latest("sequence")
        assert denied.name == "access:denied"
        assert denied.target_label == f"POST {page(f'{model}_changelist')}"
    assert ada.get("auth/me").status_code == 200


@pytest.mark.requirement(78)
def test_a_session_is_never_made_changed_or_deleted_here(ada: Client, cast: Cast) -> None:
    log_in(cast.bob)
    number = session_of(cast.bob).pk
    shown = text_of(ada.get(page("accounts_session_change", number)))
    assert "refresh_digest" not in shown and "_save" not in shown
    assert ada.get(page("accounts_session_add")).status_code == 403
    assert ada.post(page("accounts_session_change", number), {"ip": "192.0.2.9"}).status_code == 403
    assert ada.post(page("accounts_session_delete", number), {"post": "yes"}).status_code == 403
    assert Api().get("/admin/accounts/session/").status_code == 302
