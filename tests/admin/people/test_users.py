"""People in the admin."""

import re
from typing import Any

import pytest
from django.contrib.auth.hashers import check_password
from django.test import Client

from accounts.models import Session, User
from audit.models import Event
from tests.admin.helpers import errors_of, messages_of, page, text_of
from tests.conftest import PASSWORD, Cast, as_user
from tests.logins import browser

LIST = "accounts_user_changelist"
ADD = "accounts_user_add"
CHANGE = "accounts_user_change"
MAILS = ["expiring", "unused"]
DORA = {
    "username": "dora",
    "email": "dora@example.org",
    "name": "Dora",
    "role": "member",
    "password": PASSWORD,
}


def change(client: Client, user: User, **values: Any) -> Any:
    """Send the form of a person with some values changed; None is a box that is not ticked."""
    sent = {"name": user.name, "role": user.role, "is_active": "on", "notifications": MAILS, **values}
    shown = {name: value for name, value in sent.items() if value is not None}
    return client.post(page(CHANGE, user.pk), shown, follow=True)


def test_people_are_listed_searched_and_filtered(ada: Client) -> None:
    everybody = text_of(ada.get(page(LIST)))
    assert all(name in everybody for name in ("ada", "audrey", "alice", "bob", "charlie", "mallory"))
    found = text_of(ada.get(page(LIST), {"q": "bob@example"}))
    assert "bob@example.org" in found and "alice@example.org" not in found
    found = text_of(ada.get(page(LIST), {"role": "auditor"}))
    assert "audrey@example.org" in found and "alice@example.org" not in found


def test_a_person_is_added_and_recorded(ada: Client, cast: Cast) -> None:
    assert ada.post(page(ADD), DORA).status_code == 302
    dora = User.objects.get(username="dora")
    assert (dora.email, dora.name, dora.role, dora.is_superuser) == (
        "dora@example.org",
        "Dora",
        "member",
        False,
    )
    assert check_password(PASSWORD, dora.password)
    event = Event.objects.latest("sequence")
    assert (event.name, event.actor_id, event.target_id) == (
        "user:created",
        str(cast.ada.uuid),
        str(dora.uuid),
    )


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"password": "short"}, "password", "at least 15 characters"),
        ({"password": ""}, "password", "required"),
        ({"password": "x" * 1025}, "password", "1024"),
        ({"username": "Alice"}, "username", "taken"),
        ({"username": "a b"}, "username", "letters"),
        ({"email": "ALICE@example.org"}, "email", "taken"),
        ({"email": "nonsense"}, "email", "valid"),
        ({"email": ""}, "email", "required"),
        ({"name": "a\x07"}, "name", "control"),
        ({"role": ""}, "role", "required"),
        ({"role": "emperor"}, "role", "emperor"),
    ],
)
def test_what_is_wrong_stands_beside_the_field_and_nothing_is_written(
    ada: Client, values: dict[str, str], field: str, words: str
) -> None:
    events = Event.objects.count()
    response = ada.post(page(ADD), DORA | values)
    errors = errors_of(response)
    assert list(errors) == [field]
    assert words in errors[field]
    assert not User.objects.filter(email="dora@example.org").exists()
    assert Event.objects.count() == events
    assert 'value="Dora"' in text_of(response) or field == "name"
    assert PASSWORD not in text_of(response)


def test_all_that_is_wrong_is_said_at_once(ada: Client) -> None:
    errors = errors_of(ada.post(page(ADD), {"username": "a b", "email": "x", "role": "", "password": "y"}))
    assert set(errors) == {"username", "email", "role", "password"}


@pytest.mark.parametrize("password", ["passwordpassword", "password1234567"])
@pytest.mark.requirement(5)
def test_a_common_password_is_refused_in_the_admin(ada: Client, password: str) -> None:
    assert "password" in errors_of(ada.post(page(ADD), DORA | {"password": password}))


@pytest.mark.parametrize(
    "password", ["dora likes long walks", "so long, dora@example.org", "my KEYHOUSE is my castle"]
)
@pytest.mark.requirement(6)
def test_a_password_about_oneself_is_refused_in_the_admin(ada: Client, password: str) -> None:
    assert "must not contain" in errors_of(ada.post(page(ADD), DORA | {"password": password}))["password"]


def test_no_role_is_chosen_for_a_new_person(ada: Client) -> None:
    """The first of the profile's roles may be the mightiest."""
    form = ada.get(page(ADD)).context["adminform"].form
    assert next(iter(form.fields["role"].choices)) == ("", "choose one")


def test_a_person_is_changed_and_each_change_recorded(ada: Client, cast: Cast) -> None:
    change(ada, cast.bob, name="Robert", role="auditor", is_superuser="on")
    bob = User.objects.get(pk=cast.bob.pk)
    assert (bob.name, bob.role, bob.is_superuser) == ("Robert", "auditor", True)
    names = [event.name for event in Event.objects.order_by("-sequence")[:3]]
    assert sorted(names) == ["role:changed", "role:changed", "user:changed"]


def test_saving_without_a_change_records_nothing(ada: Client, cast: Cast) -> None:
    events = Event.objects.count()
    change(ada, cast.bob)
    assert Event.objects.count() == events


def test_a_deactivation_ends_the_sessions(ada: Client, cast: Cast) -> None:
    bob = as_user(cast.bob)
    change(ada, cast.bob, is_active=None)
    assert bob.get("auth/me").status_code == 401
    assert not Session.objects.filter(user=cast.bob, ended_at__isnull=True).exists()
    assert Event.objects.latest("sequence").name == "user:deactivated"


@pytest.mark.parametrize("values", [{"is_active": None}, {"role": "member"}])
@pytest.mark.requirement(51)
def test_the_last_administrator_stays_in_the_admin(
    ada: Client, cast: Cast, values: dict[str, str | None]
) -> None:
    response = change(ada, cast.ada, **values)
    assert any("at least one administrator must remain" in message for message in messages_of(response))
    still = User.objects.get(pk=cast.ada.pk)
    assert (still.is_active, still.role) == (True, "admin")


def test_user_name_address_and_password_are_not_changed_by_sending_them(ada: Client, cast: Cast) -> None:
    before = User.objects.values_list("username", "email", "password").get(pk=cast.bob.pk)
    change(ada, cast.bob, username="eve", email="eve@example.org", password="x" * 20)
    assert User.objects.values_list("username", "email", "password").get(pk=cast.bob.pk) == before


def test_a_role_that_the_profile_has_dropped_is_not_replaced_by_its_first(ada: Client, cast: Cast) -> None:
    User.objects.filter(pk=cast.bob.pk).update(role="legacy")
    form = ada.get(page(CHANGE, cast.bob.pk)).context["adminform"].form
    assert form["role"].value() == "legacy"
    assert "legacy" in dict(form.fields["role"].choices)
    change(ada, User.objects.get(pk=cast.bob.pk), name="Robert")
    bob = User.objects.get(pk=cast.bob.pk)
    assert (bob.name, bob.role) == ("Robert", "legacy")


@pytest.mark.parametrize(("is_verified", "said"), [(True, "True"), (False, "False")])
def test_a_person_s_page_says_whether_the_address_is_verified(
    is_verified: bool, said: str, ada: Client, cast: Cast
) -> None:
    User.objects.filter(pk=cast.alice.pk).update(email_verified=is_verified)
    shown = ada.get(page(CHANGE, cast.alice.pk)).content.decode()
    [field] = re.findall(r'field-email_verified">(.*?)</div>\s*</div>', shown, re.DOTALL)
    assert f'alt="{said}"' in field and "<input" not in field
    change(ada, cast.alice, email_verified="on" if not is_verified else None)
    assert User.objects.get(pk=cast.alice.pk).email_verified is is_verified


def test_an_empty_field_is_shown_to_those_who_can_fill_it(ada: Client, cast: Cast) -> None:
    User.objects.filter(pk=cast.bob.pk).update(name="")
    address, field = page(CHANGE, cast.bob.pk), 'field-name"'
    assert field in text_of(ada.get(address))
    read = browser(cast.audrey).get(address)
    assert read.status_code == 200 and field not in text_of(read)
    assert field in text_of(browser(cast.audrey).get(page(CHANGE, cast.alice.pk)))
