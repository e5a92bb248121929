"""Into the admin, and out of it."""

import pytest
from django.test import Client
from django.utils import timezone

from access.principals import Caller
from accounts.models import User
from accounts.users.changes import UserChanges
from accounts.users.services import set_password, update_user
from audit.models import Event
from tests.admin.helpers import LOGIN, log_in, text_of
from tests.conftest import PASSWORD, Cast, as_user
from tests.logins import browser


@pytest.mark.parametrize("name", ["alice", "ALICE", "alice@example.org", "Alice@Example.org"])
def test_one_logs_in_by_user_name_or_by_address(cast: Cast, name: str) -> None:
    client = Client()
    assert log_in(client, name).headers["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_a_login_is_recorded_and_remembered(cast: Cast) -> None:
    before = timezone.now()
    log_in(Client(REMOTE_ADDR="192.0.2.7"), "alice")
    event = Event.objects.latest("sequence")
    assert (event.name, event.actor_id, event.ip) == ("login:succeeded", str(cast.alice.uuid), "192.0.2.7")
    assert User.objects.get(username="alice").last_login_at >= before  # type: ignore[operator]


@pytest.mark.parametrize(
    ("name", "password", "target", "reason"),
    [
        ("alice", "not the password", "alice", "wrong password"),
        ("nobody", PASSWORD, "", "unknown"),
        ("bob", PASSWORD, "bob", "inactive"),
    ],
)
def test_a_failed_login_is_recorded_and_says_the_same_to_all(
    cast: Cast, name: str, password: str, target: str, reason: str
) -> None:
    User.objects.filter(username="bob").update(is_active=False)
    client = Client(headers={"Accept": "text/html"})
    response = log_in(client, name, password)
    assert response.status_code == 401
    assert "The name, the password or the code is wrong." in text_of(response)
    event = Event.objects.latest("sequence")
    assert (event.name, event.target_label, event.detail) == ("login:failed", target, {"reason": reason})
    assert client.get("/admin/").status_code == 302
    assert password not in text_of(response)


@pytest.mark.requirement(88)
def test_a_login_without_a_csrf_token_is_refused(cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    assert log_in(client, "ada").status_code == 403
    assert client.get("/admin/").status_code == 302
    assert not Event.objects.filter(name__startswith="login").exists()


@pytest.mark.requirement(88)
def test_a_change_without_a_csrf_token_is_refused(cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    client.cookies = browser(cast.ada).cookies
    for path in ("accounts/user/add/", "accounts/organization/add/", "apikeys/apikey/add/", "logout/"):
        assert client.post(f"/admin/{path}", {"name": "Initech"}).status_code == 403


def test_a_browser_that_follows_our_referrer_policy_can_log_in(cast: Cast) -> None:
    """Under no-referrer it would send "Origin: null", which no CSRF check takes."""
    client = Client(enforce_csrf_checks=True)
    form = client.get(LOGIN)
    assert form.headers["Referrer-Policy"] == "same-origin"
    sent = {"username": "ada", "password": PASSWORD, "csrfmiddlewaretoken": form.context["csrf_token"]}
    assert client.post(LOGIN, sent, headers={"Origin": "null"}).status_code == 403
    assert client.post(LOGIN, sent, headers={"Origin": "http://testserver"}).status_code == 302


def test_nobody_is_sent_elsewhere_after_the_login(cast: Cast) -> None:
    sent = {"username": "ada", "password": PASSWORD, "next": "https://evil.example/"}
    response = Client().post(f"{LOGIN}?next=https://evil.example/", sent)
    assert "evil" not in response.headers["Location"]


def test_deactivated_people_are_out_at_once_and_stay_out(cast: Cast, operator: Caller) -> None:
    client = browser(cast.alice)
    update_user(caller=operator, user=cast.alice, changes=UserChanges(is_active=False))
    assert client.get("/admin/").status_code == 302
    update_user(caller=operator, user=cast.alice, changes=UserChanges(is_active=True))
    assert client.get("/admin/").status_code == 302


def test_a_new_password_ends_the_logins_in_browsers(cast: Cast, operator: Caller) -> None:
    client = browser(cast.alice)
    set_password(caller=operator, user=cast.alice, password="another walk to the lighthouse")
    assert client.get("/admin/").status_code == 302


def test_people_whose_role_allows_nothing_are_not_let_in(cast: Cast) -> None:
    User.objects.filter(username="mallory").update(role="a role that nobody knows")
    client = Client()
    log_in(client, "mallory")
    assert client.get("/admin/").status_code == 302


def test_a_logout_is_a_post_and_ends_the_login(cast: Cast) -> None:
    client = browser(cast.alice)
    assert client.get("/admin/logout/").status_code == 405
    assert client.get("/admin/").status_code == 200
    client.post("/admin/logout/")
    assert client.get("/admin/").status_code == 302


def test_the_page_after_a_logout_names_the_product_and_offers_nothing_of_before(cast: Cast) -> None:
    client = browser(cast.ada)
    assert "/admin/logout/" in text_of(client.get("/admin/"))
    shown = text_of(client.post("/admin/logout/"))
    assert "Logged out | Keyhouse</title>" in shown and "Keyhouse</a>" in shown
    assert "/admin/logout/" not in shown and "/account/security" not in shown


def test_a_person_who_is_logged_in_is_led_on_from_the_login_page(cast: Cast) -> None:
    client = browser(cast.ada)
    for ask in (client.get, client.head):
        answer = ask(LOGIN)
        assert (answer.status_code, answer["Location"]) == (302, "/admin/")


def test_the_page_of_an_app_leads_to_the_overview(cast: Cast) -> None:
    assert browser(cast.ada).get("/admin/accounts/").headers["Location"] == "/admin/"


def test_a_token_or_a_key_opens_no_page(cast: Cast) -> None:
    assert as_user(cast.ada).get("/admin/").status_code == 302


@pytest.mark.parametrize("path", ["password_change/", "password_change/done/"])
def test_djangos_own_way_to_change_a_password_is_closed(cast: Cast, path: str) -> None:
    assert browser(cast.ada).get(f"/admin/{path}").status_code == 404
