"""The second factor in the admin: logging in with it, and being taken to add it where it is needed."""

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from access.principals import Caller
from accounts.models import SecondFactor
from accounts.organizations.changes import OrganizationChanges
from accounts.organizations.services import update_organization
from accounts.second_factor.services import remove_second_factors
from audit.models import Event
from config.profiles import Capability
from tests.accounts.authenticator import enrolled, let_codes_be_good_again
from tests.accounts.helpers import serving
from tests.admin.helpers import LOGIN, act, confirm, log_in, messages_of, page, text_of
from tests.conftest import PASSWORD, Cast
from tests.console.helpers import added
from tests.installation import ADMIN, Installation, Server
from tests.logins import browser

PAGE = "/account/security/authenticator"
WRONG = "The name, the password or the code is wrong."


def to_page(asked: str) -> str:
    """The address of the page that adds a second factor and leads back to `asked`."""
    return f"{PAGE}?{urlencode({'next': asked})}"


def log_in_with(client: Client, name: str, code: str) -> Any:
    sent = {"username": name, "password": PASSWORD, "totp_code": code}
    return client.post(f"{LOGIN}?next=/admin/", sent, headers={"Accept": "text/html"})


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


def test_where_the_admin_wants_one_people_are_taken_to_the_page_not_locked_out(
    cast: Cast, settings: Settings
) -> None:
    settings.ADMIN_SECOND_FACTOR = True
    client = browser(cast.ada)
    for address in ("/admin/", page("accounts_user_changelist"), page("apikeys_apikey_add")):
        assert client.get(address).headers["Location"] == to_page(address)
        assert client.post(address).headers["Location"] == to_page(address)
    asked = client.get("/admin/", follow=True)
    assert asked.status_code == 200 and 'name="next" value="/admin/"' in text_of(asked)
    added(client)
    assert client.get("/admin/").status_code == 200
    assert client.post("/admin/logout/").status_code == 200


def test_people_with_a_capability_that_needs_one_are_taken_there(cast: Cast) -> None:
    with serving("login", second_factor_for=(Capability.MANAGE_KEYS,)):
        client = browser(cast.ada)
        assert client.get("/admin/").headers["Location"] == to_page("/admin/")
        assert browser(cast.audrey).get("/admin/").status_code == 200
        added(client)
        assert client.get(page("apikeys_apikey_add")).status_code == 200


def test_people_with_power_only_where_an_organization_wants_one_are_taken_there(
    cast: Cast, operator: Caller
) -> None:
    with serving("login", second_factor_for=tuple(Capability)):
        client = browser(cast.alice)
        assert client.get("/admin/").headers["Location"] == to_page("/admin/")
    changes = OrganizationChanges(requires_second_factor=True)
    update_organization(caller=operator, organization=cast.acme, changes=changes)
    assert browser(cast.alice).get("/admin/").headers["Location"] == to_page("/admin/")


def test_a_browser_that_proved_one_that_was_removed_is_as_if_it_had_not(
    cast: Cast, operator: Caller, settings: Settings
) -> None:
    client = browser(cast.ada)
    added(client)
    settings.ADMIN_SECOND_FACTOR = True
    remove_second_factors(caller=operator, selected=[cast.ada])
    assert client.get("/admin/").headers["Location"] == to_page("/admin/")
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


@pytest.mark.once
@pytest.mark.requirement(77)
def test_a_fresh_installation_wants_one_of_its_administrator(installation: Installation) -> None:
    with installation.serve() as server:
        session = admin_session(server)
        answer = server.request("GET", "/admin/", headers=session)
        assert (answer.status, answer.headers["location"]) == (302, to_page("/admin/"))
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
