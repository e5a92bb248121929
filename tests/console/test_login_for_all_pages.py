"""One login for the console, the consent pages and the admin: a session like those of the API."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Session
from accounts.models.sessions import idle_time
from audit.models import Event
from tests.accounts.authenticator import enrolled
from tests.accounts.helpers import serving
from tests.conftest import PASSWORD, Api, Cast, as_user
from tests.console.helpers import at_the_form, console_of, strict

PAGE = "/account/sessions"


def test_a_login_at_the_console_opens_the_admin(cast: Cast) -> None:
    client = at_the_form(cast.ada)
    assert client.get(PAGE).status_code == client.get("/admin/").status_code == 200
    assert Session.objects.filter(user=cast.ada).count() == 1


def test_a_logout_anywhere_ends_the_login_everywhere(cast: Cast) -> None:
    for path in ("/admin/logout/", "/account/logout"):
        client = at_the_form(cast.ada)
        assert client.post(path).status_code == 200
        assert client.get(PAGE).status_code == client.get("/admin/").status_code == 302
        event = Event.objects.latest("sequence")
        assert (event.name, event.detail) == ("session:ended", {})
    assert not Session.objects.live(timezone.now()).exists()


@pytest.mark.requirement(34)
def test_a_session_that_is_ended_by_the_api_ends_the_browsers_login(cast: Cast) -> None:
    client, api = at_the_form(cast.alice), as_user(cast.alice)
    [other] = [each for each in api.get("auth/sessions").json()["results"] if not each["current"]]
    assert api.delete(f"auth/sessions/{other['id']}").status_code == 204
    assert client.get(PAGE).status_code == 302


def test_the_cookie_of_a_login_is_no_credential_of_the_api(cast: Cast) -> None:
    client = at_the_form(cast.ada)
    assert client.get("/api/v1/auth/me").status_code == 401


def test_only_pages_delete_a_cookie_of_no_session(cast: Cast) -> None:
    client = Client(headers={"Accept": "text/html"})
    client.cookies[settings.SESSION_COOKIE_NAME] = "short"
    assert not client.get("/api/v1/auth/me").cookies
    assert set(client.get(PAGE).cookies) == {settings.SESSION_COOKIE_NAME}


def test_a_person_without_any_power_has_a_console_but_no_admin(cast: Cast) -> None:
    type(cast.mallory).objects.filter(pk=cast.mallory.pk).update(role="a role that nobody knows")
    client = at_the_form(cast.mallory)
    shown = client.get(PAGE).content.decode()
    assert "Sessions" in shown and "Administration" not in shown
    assert client.get("/admin/", follow=True).redirect_chain[-1][0].startswith("/admin/login/")


def test_a_login_leads_back_to_the_page_that_asked(cast: Cast) -> None:
    client = Client(headers={"Accept": "text/html"})
    asked = client.get("/account/sessions?x=1")
    assert asked["Location"] == "/account/login?next=%2Faccount%2Fsessions%3Fx%3D1"
    answer = client.post(asked["Location"], {"identifier": "alice", "password": PASSWORD})
    assert answer["Location"] == "/account/sessions?x=1"


@pytest.mark.parametrize(
    ("identifiers", "label"),
    [
        (("username", "email"), "User name or e-mail address"),
        (("username",), "User name"),
        (("email",), "E-mail address"),
    ],
)
def test_the_login_page_names_what_the_profile_takes(
    db: None, identifiers: tuple[str, ...], label: str
) -> None:
    with serving("login", identifiers=identifiers):
        shown = Client().get("/account/login").content.decode()
    assert f'<label for="id_identifier">{label}</label>' in shown


def test_a_login_that_fails_first_leads_back_too(cast: Cast) -> None:
    sent = {"identifier": "alice", "password": "wrong", "next": "/account/sessions"}
    answer = Client(headers={"Accept": "text/html"}).post("/account/login", sent)
    assert 'name="next" value="/account/sessions"' in answer.content.decode()


def test_a_login_without_a_password_is_refused_beside_its_field(cast: Cast) -> None:
    answer = Client(headers={"Accept": "text/html"}).post("/account/login", {"identifier": "alice"})
    assert (answer.status_code, list(answer.context["form"].errors)) == (400, ["password"])


def test_a_browser_that_does_not_say_which_it_is_logs_in(cast: Cast) -> None:
    at_the_form(cast.alice)
    assert Session.objects.get().user_agent == ""


def test_the_login_page_says_who_is_logged_in(cast: Cast) -> None:
    who = "You are logged in as <strong>alice</strong>"
    assert who in console_of(cast.alice).get("/account/login").content.decode()
    assert "You are logged in as" not in Client().get("/account/login").content.decode()


def test_a_login_gets_a_new_cookie_and_a_new_csrf_token(cast: Cast) -> None:
    client = at_the_form(cast.alice)
    before = {name: cookie.value for name, cookie in client.cookies.items()}
    client.post("/account/login", {"identifier": "bob", "password": PASSWORD})
    after = {name: cookie.value for name, cookie in client.cookies.items()}
    for name in (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME):
        assert before[name] != after[name]


@pytest.mark.requirement(88)
def test_a_login_and_a_logout_need_a_csrf_token(cast: Cast) -> None:
    client = strict(at_the_form(cast.alice))
    assert client.post("/account/logout").status_code == 403
    form = {"identifier": "alice", "password": PASSWORD}
    assert Client(enforce_csrf_checks=True).post("/account/login", form).status_code == 403


@pytest.mark.requirement(77)
def test_a_second_factor_is_asked_for_and_counts_everywhere(cast: Cast) -> None:
    app = enrolled(cast.ada)
    client = Client(headers={"Accept": "text/html"})
    form = {"identifier": "ada", "password": PASSWORD}
    answer = client.post("/account/login", form)
    said = answer.content.decode()
    assert answer.status_code == 401 and "Type your password again" in said and "Use your passkey" not in said
    assert list(answer.context["form"].errors) == ["totp_code"]
    assert client.post("/account/login", form | {"totp_code": app.code()}).status_code == 302
    assert client.get("/admin/").status_code == 200
    assert Session.objects.get(user=cast.ada, ended_at=None).second_factor


def test_a_login_without_the_second_factor_that_the_person_has_opens_nothing(cast: Cast) -> None:
    enrolled(cast.alice)
    assert console_of(cast.alice).get(PAGE).status_code == 302


def test_a_login_that_is_used_does_not_end_by_idleness(cast: Cast) -> None:
    client = at_the_form(cast.alice)
    sessions = Session.objects.filter(user=cast.alice)
    sessions.update(last_seen_at=timezone.now() - idle_time() + timedelta(minutes=2))
    assert client.get(PAGE).status_code == 200
    assert timezone.now() - sessions.get().last_seen_at < timedelta(minutes=1)
    sessions.update(last_seen_at=timezone.now() - idle_time())
    assert client.get(PAGE).status_code == 302


def test_a_visit_keeps_no_other_login_from_ending(cast: Cast) -> None:
    client, _ = console_of(cast.alice), console_of(cast.alice)
    before = timezone.now() - timedelta(minutes=2)
    Session.objects.update(last_seen_at=before)
    assert client.get(PAGE).status_code == 200
    assert Session.objects.filter(last_seen_at=before).count() == 1


def test_a_login_ends_with_the_cookie_of_the_browser(cast: Cast) -> None:
    client = at_the_form(cast.alice)
    session, cookie = Session.objects.get(user=cast.alice), client.cookies[settings.SESSION_COOKIE_NAME]
    assert session.expires_at - session.created_at == timedelta(seconds=int(cookie["max-age"]))


def test_a_login_in_the_same_browser_ends_the_one_before(cast: Cast) -> None:
    client, elsewhere = at_the_form(cast.alice), at_the_form(cast.alice)
    wrong = {"identifier": "bob", "password": "wrong"}
    assert client.post("/account/login", wrong).status_code == 401
    assert client.get(PAGE).status_code == 200
    assert client.post("/account/login", wrong | {"password": PASSWORD}).status_code == 302
    live = Session.objects.live(timezone.now()).order_by("pk")
    assert [session.user.username for session in live] == ["alice", "bob"]
    assert elsewhere.get(PAGE).status_code == 200
    events = Event.objects.order_by("-sequence").values_list("name", "actor_id")[:2]
    assert list(events) == [("session:ended", str(cast.alice.uuid)), ("login:succeeded", str(cast.bob.uuid))]


def test_a_visit_is_written_at_most_once_a_minute(
    cast: Cast, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = at_the_form(cast.alice)
    client.get(PAGE)
    before = Session.objects.get(user=cast.alice).last_seen_at
    with django_assert_num_queries(4):  # cookie, session, memberships, the list
        client.get(PAGE)
    assert Session.objects.get(user=cast.alice).last_seen_at == before


def test_an_expired_session_and_an_inactive_person_open_nothing(cast: Cast) -> None:
    client = at_the_form(cast.alice)
    Session.objects.filter(user=cast.alice).update(expires_at=timezone.now())
    assert client.get(PAGE).status_code == 302
    client = at_the_form(cast.alice)
    type(cast.alice).objects.filter(pk=cast.alice.pk).update(is_active=False)
    assert client.get(PAGE).status_code == 302


def test_the_root_leads_browsers_to_the_console_and_tells_programs_where_the_documentation_is() -> None:
    page = Client(headers={"Accept": "text/html"}).get("/")
    assert (page.status_code, page["Location"], page["Vary"]) == (302, "/account/", "Accept")
    answer = Client().get("/")
    assert answer.json() == {
        "name": "Keyhouse",
        "api": "http://127.0.0.1:8000/api/v1",
        "docs": "http://127.0.0.1:8000/docs",
        "schema": "http://127.0.0.1:8000/schema",
        "console": "http://127.0.0.1:8000/account/",
    }


def test_a_page_that_does_not_exist_says_so(cast: Cast) -> None:
    answer = at_the_form(cast.alice).get("/account/nothing")
    assert answer.status_code == 404 and "<h1>" in answer.content.decode()


def test_no_token_opens_a_page(cast: Cast) -> None:
    api: Api = as_user(cast.ada)
    assert api.client.get(PAGE).status_code == 302


@pytest.mark.requirement(34)
def test_each_browser_is_the_login_of_its_own_person(cast: Cast) -> None:
    people = (cast.alice, cast.bob, cast.charlie)
    clients = [at_the_form(person) for person in people]
    shown = [client.get("/account/profile").content.decode() for client in clients]
    assert [[person.email in page for person in people] for page in shown] == [
        [True, False, False],
        [False, True, False],
        [False, False, True],
    ]
