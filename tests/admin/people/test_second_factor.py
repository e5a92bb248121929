"""The second factor in the admin: logging in with it, adding it, and being taken there where it is needed."""

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from access.principals import Caller
from accounts.models import RecoveryCode, SecondFactor
from accounts.organizations.changes import OrganizationChanges
from accounts.organizations.services import update_organization
from accounts.second_factor.services import remove_second_factors
from audit.models import Event
from config.profiles import Capability
from tests.accounts.authenticator import App, enrolled, let_codes_be_good_again
from tests.accounts.helpers import serving
from tests.admin.helpers import LOGIN, act, browser, confirm, log_in, messages_of, page, text_of
from tests.conftest import PASSWORD, Cast
from tests.installation import ADMIN, Installation, Server

PAGE = "/admin/second-factor/"
WRONG = "The name, the password or the code is wrong."
SECRET = re.compile(r'id="secret">([A-Z2-7]{32})<')
RECOVERY = re.compile(r"<li><code>([0-9a-z-]{19})</code></li>")


def log_in_with(client: Client, name: str, code: str) -> Any:
    sent = {"username": name, "password": PASSWORD, "totp_code": code}
    return client.post(f"{LOGIN}?next=/admin/", sent, headers={"Accept": "text/html"})


def send(client: Client, action: str, **fields: str) -> Any:
    return client.post(PAGE, {"action": action} | {f"{action}-{name}": text for name, text in fields.items()})


def begun(client: Client) -> App:
    [secret] = SECRET.findall(text_of(send(client, "begin", password=PASSWORD)))
    return App(secret, [])


def added(client: Client) -> App:
    """The app that somebody adds on the page."""
    app = begun(client)
    return App(app.secret, RECOVERY.findall(text_of(send(client, "confirm", code=app.code()))))


@pytest.mark.requirement(77)
def test_people_with_a_second_factor_are_asked_for_it(cast: Cast) -> None:
    app = enrolled(cast.ada)
    client = Client(headers={"Accept": "text/html"})
    assert 'autocomplete="one-time-code"' in text_of(client.get(LOGIN))
    answer = log_in(client, "ada")
    assert (answer.status_code, "Type your password again" in text_of(answer)) == (401, True)
    assert client.get("/admin/").status_code == 302
    assert log_in_with(client, "ada", app.code()).status_code == 302
    assert client.get("/admin/").status_code == 200
    assert Event.objects.latest("sequence").detail == {"second_factor": "totp"}


@pytest.mark.requirement(77)
def test_a_recovery_code_will_do_and_each_is_good_once(cast: Cast) -> None:
    app = enrolled(cast.ada)
    assert log_in_with(Client(), "ada", app.recovery_codes[0]).status_code == 302
    assert WRONG in text_of(log_in_with(Client(), "ada", app.recovery_codes[0]))
    code = app.code()
    assert log_in_with(Client(), "ada", code).status_code == 302
    assert WRONG in text_of(log_in_with(Client(), "ada", code))


@pytest.mark.parametrize("code", ["000000", "\u0660" * 6, "x", "é", "\ud7ff"])
@pytest.mark.requirement(77)
def test_a_wrong_code_gets_the_answer_of_a_wrong_password(cast: Cast, code: str) -> None:
    enrolled(cast.ada)
    assert WRONG in text_of(log_in_with(Client(), "ada", code))
    assert Event.objects.latest("sequence").detail == {"reason": "wrong code"}


def test_a_code_of_5000_characters_is_refused_beside_its_field(cast: Cast) -> None:
    enrolled(cast.ada)
    response = log_in_with(Client(), "ada", "1" * 5000)
    assert "at most 64 characters" in text_of(response)


def test_people_without_one_may_fill_in_the_field_or_not(cast: Cast) -> None:
    assert log_in_with(Client(), "ada", "").status_code == 302
    assert log_in_with(Client(), "ada", "123456").status_code == 302


def test_a_password_alone_does_not_stay_enough_once_there_is_a_second_factor(cast: Cast) -> None:
    client = browser(cast.ada)
    assert client.get("/admin/").status_code == 200
    enrolled(cast.ada)
    assert client.get("/admin/").status_code == 302


def test_a_person_adds_one_with_the_qr_code_and_stays_logged_in(cast: Cast) -> None:
    client = browser(cast.ada)
    assert PAGE in text_of(client.get("/admin/"))
    answer = send(client, "begin", password=PASSWORD)
    assert "<svg " in text_of(answer) and "no-store" in answer.headers["Cache-Control"]
    app = App(SECRET.findall(text_of(answer))[0], [])
    done = send(client, "confirm", code=app.code())
    codes = RECOVERY.findall(text_of(done))
    assert len(set(codes)) == 10 and "no-store" in done.headers["Cache-Control"]
    assert client.get("/admin/").status_code == 200
    assert log_in_with(Client(), "ada", codes[0]).status_code == 302


@pytest.mark.requirement(23)
def test_neither_the_secret_nor_the_codes_are_on_the_page_again(cast: Cast) -> None:
    client = browser(cast.ada)
    app = begun(client)
    again = text_of(client.get(PAGE)) + text_of(send(client, "confirm", code="000000"))
    assert "is wrong" in again and app.secret not in again and 'class="qr"' not in again
    codes = RECOVERY.findall(text_of(send(client, "confirm", code=app.code())))
    shown = text_of(client.get(PAGE)) + text_of(client.get("/admin/"))
    assert not [secret for secret in (app.secret, *codes) if secret in shown]


@pytest.mark.requirement(85)
def test_the_page_works_under_the_strict_policy(cast: Cast) -> None:
    client = browser(cast.ada)
    for response in (client.get(PAGE), send(client, "begin", password=PASSWORD), Client().get(LOGIN)):
        assert "default-src 'self'" in response.headers["Content-Security-Policy"]
        text = text_of(response)
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", text)


@pytest.mark.requirement(22)
def test_the_page_wants_password_and_code_to_change_anything(cast: Cast) -> None:
    client = browser(cast.ada)
    assert "is wrong" in text_of(send(client, "begin", password="not the password"))
    app = added(client)
    good, bad = {"password": PASSWORD}, {"password": "not the password"}
    for action in ("remove", "replace"):
        assert "is wrong" in text_of(send(client, action, code=app.recovery_codes[0], **bad))
        assert "is wrong" in text_of(send(client, action, code="000000", **good))
        assert "This field is required" in text_of(send(client, action, **good))
    assert (SecondFactor.objects.count(), RecoveryCode.objects.count()) == (1, 10)


def test_a_person_gets_other_codes_and_removes_it(cast: Cast) -> None:
    client = browser(cast.ada)
    app = added(client)
    made = send(client, "replace", password=PASSWORD, code=app.recovery_codes[0])
    others = RECOVERY.findall(text_of(made))
    assert (len(others), set(others) & set(app.recovery_codes)) == (10, set())
    assert "is removed" in text_of(send(client, "remove", password=PASSWORD, code=others[0]))
    assert client.get("/admin/").status_code == 200
    assert not SecondFactor.objects.exists()


@pytest.mark.parametrize("action", ["", "x", "get", "__class__", "begin\0"])
def test_an_odd_action_does_nothing(cast: Cast, action: str) -> None:
    assert browser(cast.ada).post(PAGE, {"action": action}).status_code == 200
    assert not SecondFactor.objects.exists()


@pytest.mark.requirement(88)
def test_the_page_wants_a_csrf_token(cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    client.cookies = browser(cast.ada).cookies
    assert send(client, "begin", password=PASSWORD).status_code == 403


def test_only_logged_in_people_see_the_page(cast: Cast) -> None:
    assert Client().get(PAGE).status_code == 302
    assert not send(Client(), "begin", password=PASSWORD).content


def test_where_the_admin_wants_one_people_are_taken_to_the_page_not_locked_out(
    cast: Cast, settings: Settings
) -> None:
    settings.ADMIN_SECOND_FACTOR = True
    client = browser(cast.ada)
    for address in ("/admin/", page("accounts_user_changelist"), page("apikeys_apikey_add")):
        assert client.get(address).headers["Location"] == PAGE
        assert client.post(address).headers["Location"] == PAGE
    assert client.get(PAGE).status_code == 200
    added(client)
    assert client.get("/admin/").status_code == 200
    assert client.post("/admin/logout/").status_code == 200


def test_people_with_a_capability_that_needs_one_are_taken_there(cast: Cast) -> None:
    with serving("login", second_factor_for=(Capability.MANAGE_KEYS,)):
        client = browser(cast.ada)
        assert client.get("/admin/").headers["Location"] == PAGE
        assert browser(cast.audrey).get("/admin/").status_code == 200
        added(client)
        assert client.get(page("apikeys_apikey_add")).status_code == 200


def test_people_with_power_only_where_an_organization_wants_one_are_taken_there(
    cast: Cast, operator: Caller
) -> None:
    with serving("login", second_factor_for=tuple(Capability)):
        client = browser(cast.alice)
        assert client.get("/admin/").headers["Location"] == PAGE
    changes = OrganizationChanges(requires_second_factor=True)
    update_organization(caller=operator, organization=cast.acme, changes=changes)
    assert browser(cast.alice).get("/admin/").headers["Location"] == PAGE


def test_a_browser_that_proved_one_that_was_removed_is_as_if_it_had_not(
    cast: Cast, operator: Caller, settings: Settings
) -> None:
    client = browser(cast.ada)
    added(client)
    settings.ADMIN_SECOND_FACTOR = True
    remove_second_factors(caller=operator, selected=[cast.ada])
    assert client.get("/admin/").headers["Location"] == PAGE
    enrolled(cast.ada)
    assert client.get("/admin/").headers["Location"].startswith(LOGIN)


def test_an_administrator_removes_those_of_others_and_sees_who_has_one(cast: Cast) -> None:
    for user in (cast.bob, cast.alice):
        enrolled(user)
    client, removing = browser(cast.ada), ("accounts_user", "remove_second_factor", cast.bob, cast.mallory)
    assert '"status active">yes<' in text_of(client.get(page("accounts_user_change", cast.bob.pk)))
    asked = text_of(act(client, *removing))
    assert "log in with their password alone" in asked and "bob (member)" in asked and "mallory" not in asked
    assert SecondFactor.objects.count() == 2
    assert messages_of(confirm(client, *removing)) == ["1 second factor removed."]
    assert list(SecondFactor.objects.values_list("user", flat=True)) == [cast.alice.pk]
    assert Event.objects.filter(name="second_factor:removed").get().actor_id == str(cast.ada.uuid)
    confirm(browser(cast.audrey), "accounts_user", "remove_second_factor", cast.alice)
    assert SecondFactor.objects.count() == 1
    nobody = act(client, *removing)
    assert messages_of(nobody) == ["This action applies to none of the selected rows."]


def test_ones_own_is_not_removed_from_the_list_of_people_nor_is_anybody_elses_then(cast: Cast) -> None:
    enrolled(cast.bob)
    client = browser(cast.ada)
    added(client)
    answer = confirm(client, "accounts_user", "remove_second_factor", cast.bob, cast.ada)
    assert "you cannot remove your own second factor here" in messages_of(answer)[0]
    assert SecondFactor.objects.count() == 2


def test_an_organization_that_wants_one_is_marked_in_its_form(cast: Cast) -> None:
    assert 'name="requires_second_factor"' in text_of(
        browser(cast.ada).get(page("accounts_organization_change", cast.acme.pk))
    )


def test_a_login_with_a_code_survives_the_next_request_of_another_browser(cast: Cast) -> None:
    app, first, second = enrolled(cast.ada), Client(), Client()
    assert log_in_with(first, "ada", app.code()).status_code == 302
    let_codes_be_good_again()
    assert log_in_with(second, "ada", app.code()).status_code == 302
    assert (first.get("/admin/").status_code, second.get("/admin/").status_code) == (200, 200)


@pytest.mark.requirement(77)
def test_a_fresh_installation_wants_one_of_its_administrator(installation: Installation) -> None:
    with installation.serve() as server:
        session = admin_session(server)
        answer = server.request("GET", "/admin/", headers=session)
        assert (answer.status, answer.headers["location"]) == (302, PAGE)
        assert b"Add an authenticator app" in server.request("GET", PAGE, headers=session).body


def admin_session(server: Server) -> dict[str, str]:
    """The cookie of the first administrator, who has just logged in to the admin with the password."""
    page = server.request("GET", "/admin/login/")
    token = page.body.decode().partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    form = {
        "csrfmiddlewaretoken": token,
        "username": "admin",
        "password": ADMIN["KEYHOUSE_ADMIN_PASSWORD"],
        "next": "/admin/",
    }
    headers = {
        "Cookie": page.headers["set-cookie"].partition(";")[0],
        "Content-Type": "application/x-www-form-urlencoded",
    }
    answer = server.request("POST", "/admin/login/", headers=headers, body=urlencode(form).encode())
    assert answer.status == 302, answer.body
    return {"Cookie": re.findall(r"\w+_session=[^;]+", answer.headers["set-cookie"])[0]}
