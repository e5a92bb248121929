"""A browser's session is stored under a digest of its cookie: reading the table opens nothing."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.models import Session as Row
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.sessions.browser.store import SessionStore
from tests.accounts.authenticator import enrolled
from tests.admin.people.test_second_factor import log_in_with
from tests.at_rest import everything_stored
from tests.conftest import Cast
from tests.logins import browser
from tests.oauth.flow import Flow, make_client


def cookie_of(client: Client) -> str:
    value: str = client.cookies[settings.SESSION_COOKIE_NAME].value
    return value


def with_cookie(value: str) -> Client:
    client = Client(headers={"Accept": "text/html"})
    client.cookies[settings.SESSION_COOKIE_NAME] = value
    return client


def keys() -> set[str]:
    """What stands in the table's column session_key."""
    return set(Row.objects.values_list("session_key", flat=True))


def in_the_admin(cast: Cast) -> tuple[Client, str]:
    client, app = Client(), enrolled(cast.ada)
    assert log_in_with(client, "ada", app.code()).status_code == 302
    return client, "/admin/"


def on_the_page_of_oauth2(cast: Cast) -> tuple[Client, str]:
    flow = Flow(make_client(), cast.ada)
    flow.log_in(flow.address())
    return flow.browser, "/account/sessions"


@pytest.mark.parametrize("logged_in", [in_the_admin, on_the_page_of_oauth2])
@pytest.mark.requirement(110)
def test_what_is_stored_of_a_browsers_session_opens_nothing(
    logged_in: Callable[[Cast], tuple[Client, str]], cast: Cast
) -> None:
    client, page = logged_in(cast)
    cookie = cookie_of(client)
    assert with_cookie(cookie).get(page).status_code == 200
    [stored] = keys()
    assert with_cookie(stored).get(page).status_code == 302
    assert cookie not in everything_stored()


@pytest.mark.requirement(110)
def test_a_cookie_of_a_row_from_before_opens_nothing(cast: Cast) -> None:
    """Such a row is stored under the cookie itself."""
    client = browser(cast.ada)
    Row.objects.update(session_key=cookie_of(client))
    assert client.get("/admin/").status_code == 302


def test_a_login_and_a_logout_leave_no_row_of_before(cast: Cast) -> None:
    client = Client()
    client.get("/admin/login/")
    client.post("/admin/login/", {"username": "mallory", "password": "wrong"})
    client = browser(cast.ada)
    first = keys()
    assert len(first) == 1
    client.post(
        "/admin/login/?next=/admin/", {"username": "alice", "password": "a long walk to the lighthouse"}
    )
    second = keys()
    assert len(second) == 1 and first != second
    client.post("/admin/logout/")
    assert keys() == set()


@pytest.mark.parametrize(
    "value", ["", "short", "x" * 5_000, "a\0b" * 8, "\xff" * 20, "' OR 1=1 --", "f" * 40]
)
def test_a_cookie_that_nobody_was_given_is_nobodys(value: str, cast: Cast) -> None:
    answer = with_cookie(value).get("/admin/")
    assert answer.status_code == 302
    assert keys() == set()


def test_a_session_is_found_changed_and_renewed(db: None) -> None:
    session = SessionStore()
    session["who"] = "ada"
    session.save()
    first = session.session_key
    assert first is not None and session.exists(first)
    assert SessionStore(first)["who"] == "ada"
    session.cycle_key()
    assert not session.exists(first)
    assert SessionStore(first).get("who") is None
    assert SessionStore(session.session_key)["who"] == "ada"
    session.flush()
    assert keys() == set()


def test_a_session_that_was_ended_meanwhile_is_not_written_again(db: None) -> None:
    session = SessionStore()
    session.create()
    SessionStore(session.session_key).delete()
    with pytest.raises(UpdateError):
        session.save()
    assert keys() == set()


def test_two_sessions_never_share_a_key(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = SessionStore()
    taken.create()
    drawn = iter([taken.session_key, "b" * 32])
    module = "django.contrib.sessions.backends.base.get_random_string"
    monkeypatch.setattr(module, lambda *_: next(drawn))
    other = SessionStore()
    other.create()
    assert other.session_key == "b" * 32
    assert len(keys()) == 2


def test_a_key_that_somebody_takes_at_the_same_moment_is_drawn_again(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both find it free, and the second one's row is refused by the database."""
    taken = SessionStore()
    taken.create()
    drawn = iter([taken.session_key, "b" * 32])
    monkeypatch.setattr("django.contrib.sessions.backends.base.get_random_string", lambda *_: next(drawn))
    monkeypatch.setattr(SessionStore, "exists", lambda *_: False)
    other = SessionStore()
    other.create()
    assert other.session_key == "b" * 32


def test_an_expired_session_is_empty_and_cleared(db: None) -> None:
    session = SessionStore()
    session["who"] = "ada"
    session.save()
    Row.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert SessionStore(session.session_key).get("who") is None
    call_command("clearsessions")
    assert keys() == set()


@async_to_sync
async def asynchronously(session: SessionStore) -> list[str]:
    """Save, read and renew a session; return its first and its second cookie."""
    await session.aset("who", "ada")
    await session.asave()
    first = session.session_key or ""
    assert await SessionStore(first).aget("who") == "ada"
    await session.acycle_key()
    second = session.session_key or ""
    assert await session.aexists(second) and not await session.aexists(first)
    return [first, second]


@pytest.mark.requirement(110)
def test_the_asynchronous_methods_store_the_digest_too(db: None) -> None:
    session = SessionStore()
    cookies = asynchronously(session)
    assert len(keys()) == 1 and keys().isdisjoint(cookies)
    async_to_sync(session.aflush)()
    assert keys() == set()
