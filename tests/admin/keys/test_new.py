"""Making a key in the admin: it is shown once."""

import re
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from access.backoffice.forms import MOST_IN_LIST
from accounts.models import User
from apikeys.models import ApiKey
from audit.models import Event
from tests.admin.helpers import errors_of, messages_of, page, text_of
from tests.conftest import Cast, add_user, with_key
from tests.logins import browser

ADD = "apikeys_apikey_add"
KEY = re.compile(r"kh_live_[0-9A-Za-z]{36}")


def fill_in(client: Client, owner: User | None = None, **values: Any) -> dict[str, Any]:
    """Open the form and return what is sent with it."""
    form = client.get(page(ADD)).context["form"]
    sent: dict[str, Any] = {"name": "CI", "environment": "live", "ticket": form["ticket"].value()}
    sent["lifetime"] = "date" if "expires_at" in values else "never"
    return sent | ({"user": owner.pk} if owner else {}) | values


def keys_in(response: Any) -> set[str]:
    """The keys that a page shows."""
    return set(KEY.findall(text_of(response)))


@pytest.mark.requirement(57)
def test_a_new_key_is_shown_once_on_a_page_that_nobody_stores(ada: Client, cast: Cast) -> None:
    response = ada.post(page(ADD), fill_in(ada, cast.bob, scopes=["services:read"]))
    (text,) = keys_in(response)
    assert "no-store" in response.headers["Cache-Control"]
    assert with_key(text).get("auth/me").json()["username"] == "bob"
    row = ApiKey.objects.get()
    for address in (
        page("apikeys_apikey_changelist"),
        page("apikeys_apikey_change", row.pk),
        page("audit_event_changelist"),
        page("audit_event_change", Event.objects.latest("sequence").pk),
        page(ADD),
    ):
        assert text not in text_of(ada.get(address))
    assert text not in str(dict(ada.session))
    assert text not in str(response.cookies)


def test_the_key_is_what_the_form_said(ada: Client, cast: Cast) -> None:
    at = (timezone.now() + timedelta(days=30)).replace(second=0, microsecond=0)
    sent = fill_in(
        ada,
        organization=cast.acme.pk,
        user="",
        environment="test",
        scopes=["services:read", "audit:read"],
        expires_at=at.strftime("%Y-%m-%dT%H:%M"),
    )
    assert ada.post(page(ADD), sent).status_code == 200
    row = ApiKey.objects.get()
    assert (row.name, row.organization, row.user) == ("CI", cast.acme, None)
    assert (row.environment, row.scopes, row.expires_at) == ("test", ["services:read", "audit:read"], at)
    event = Event.objects.latest("sequence")
    assert (event.name, event.actor_id, event.target_id) == (
        "api_key:created",
        str(cast.ada.uuid),
        str(row.uuid),
    )


@pytest.mark.parametrize(("lifetime", "days"), [("30", 30), ("90", 90), ("365", 365), ("never", None)])
def test_a_key_lives_as_long_as_was_chosen(ada: Client, cast: Cast, lifetime: str, days: int | None) -> None:
    ada.post(page(ADD), fill_in(ada, cast.bob) | {"lifetime": lifetime})
    row = ApiKey.objects.get()
    assert row.expires_at == (days and row.created_at + timedelta(days=days))


@pytest.mark.parametrize(
    "sent",
    [
        {"lifetime": "date"},
        {"lifetime": "date", "expires_at": ""},
        {"lifetime": "never", "expires_at": "2999-01-01T00:00"},
        {"lifetime": "90", "expires_at": "2999-01-01T00:00"},
    ],
)
def test_a_date_is_given_if_the_key_ends_at_one_and_only_then(
    ada: Client, cast: Cast, sent: dict[str, str]
) -> None:
    errors = errors_of(ada.post(page(ADD), fill_in(ada, cast.bob) | sent))
    assert errors == {"expires_at": "Enter a date only if the key expires on a date."}
    assert ApiKey.objects.count() == 0


def test_a_key_without_a_lifetime_is_not_made(ada: Client, cast: Cast) -> None:
    assert "lifetime" in errors_of(ada.post(page(ADD), fill_in(ada, cast.bob) | {"lifetime": "1000"}))
    assert ApiKey.objects.count() == 0


def test_scopes_are_described(ada: Client) -> None:
    assert "<code>services:read</code> Read from the services" in text_of(ada.get(page(ADD)))


def test_the_page_with_the_key_has_a_line_that_works(ada: Client, cast: Cast) -> None:
    answer = text_of(ada.post(page(ADD), fill_in(ada, cast.bob)))
    (text,) = set(KEY.findall(answer))
    assert f"/api/v1/auth/me -H &#x27;X-API-Key: {text}&#x27;" in answer


def test_many_people_are_listed_only_after_a_search(ada: Client, cast: Cast) -> None:
    assert "mallory</option>" in text_of(ada.get(page(ADD)))
    for number in range(MOST_IN_LIST):
        add_user(f"person{number}")
    text = text_of(ada.get(page(ADD)))
    assert "mallory</option>" not in text and "person3" not in text
    assert 'data-ajax--url="/admin/autocomplete/"' in text
    query = {"app_label": "apikeys", "model_name": "apikey", "field_name": "user", "term": "mall"}
    (found,) = ada.get("/admin/autocomplete/", query).json()["results"]
    assert found == {"id": str(cast.mallory.pk), "text": "mallory"}
    ada.post(page(ADD), fill_in(ada, cast.mallory))
    assert ApiKey.objects.get().user == cast.mallory


def test_sending_the_form_again_makes_no_second_key_and_shows_nothing(ada: Client, cast: Cast) -> None:
    sent = fill_in(ada, cast.bob)
    assert keys_in(ada.post(page(ADD), sent))
    events = Event.objects.count()
    again = ada.post(page(ADD), sent, follow=True)
    assert keys_in(again) == set()
    assert "This form has already created its key" in messages_of(again)[0]
    assert again.redirect_chain[0][0] == page("apikeys_apikey_change", ApiKey.objects.get().pk)
    assert Event.objects.count() == events


@pytest.mark.django_db(transaction=True)
def test_a_form_sent_twice_at_the_same_moment_makes_one_key(cast: Cast) -> None:
    browsers = [browser(cast.ada) for _ in range(4)]
    sent = fill_in(browsers[0], cast.bob)
    ready, answers = threading.Barrier(len(browsers)), []

    def send(client: Client) -> None:
        ready.wait()
        answers.append(client.post(page(ADD), sent))
        connection.close()

    threads = [threading.Thread(target=send, args=(client,)) for client in browsers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200, 302, 302, 302]
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"name": ""}, "name", "required"),
        ({"name": "a\x07b"}, "name", "control"),
        ({"name": "x" * 101}, "name", "100"),
        ({"expires_at": "2020-01-01T00:00"}, "expires_at", "in the future"),
        ({"expires_at": "tomorrow"}, "expires_at", "valid"),
        ({"expires_at": "99999-01-01T00:00"}, "expires_at", "valid"),
        ({"scopes": ["everything"]}, "scopes", "everything"),
        ({"environment": "moon"}, "environment", "moon"),
        ({"user": "999999"}, "user", "valid choice"),
        ({"user": "alice"}, "user", "valid choice"),
        ({"ticket": "forged"}, "ticket", "has expired"),
    ],
)
def test_what_is_wrong_stands_beside_the_field_and_the_rest_is_kept(
    ada: Client, cast: Cast, values: dict[str, Any], field: str, words: str
) -> None:
    sent = fill_in(ada, cast.bob, name="for the CI", scopes=["services:write"]) | values
    sent |= {"lifetime": "date"} if "expires_at" in values else {}
    response = ada.post(page(ADD), sent)
    assert words in errors_of(response)[field]
    assert words in text_of(response)
    form = response.context["form"]
    assert form["name"].value() == sent["name"]
    assert form["scopes"].value() == sent["scopes"]
    assert str(form["user"].value()) == str(sent["user"])
    assert ApiKey.objects.count() == 0


def test_the_owner_is_a_person_or_an_organization_and_not_both(ada: Client, cast: Cast) -> None:
    for values in (
        {"user": "", "organization": ""},
        {"user": cast.bob.pk, "organization": cast.acme.pk},
    ):
        errors = errors_of(ada.post(page(ADD), fill_in(ada, **values)))
        assert errors["user"] == "Choose either a person or an organization."
    assert ApiKey.objects.count() == 0


def test_a_key_gets_no_more_than_its_owner_may_do(ada: Client, cast: Cast) -> None:
    response = ada.post(page(ADD), fill_in(ada, cast.bob, scopes=["users:write"]))
    assert "users:write would allow more than the key's owner may do" in errors_of(response)[""]
    assert response.context["form"]["scopes"].value() == ["users:write"]
    assert ApiKey.objects.count() == 0
    assert Event.objects.latest("sequence").name == "access:denied"


def test_only_scopes_and_owners_are_offered_that_one_may_hand_out(cast: Cast) -> None:
    def offered(user: User) -> tuple[set[str], set[str], set[str]]:
        fields = browser(user).get(page(ADD)).context["form"].fields
        scopes = {name for name, _ in fields["scopes"].choices}
        people = {str(person) for person in fields["user"].queryset}
        return scopes, people, {str(each) for each in fields["organization"].queryset}

    assert offered(cast.mallory) == ({"services:read", "keys:read", "keys:write"}, {"mallory"}, set())
    scopes, people, organizations = offered(cast.alice)
    assert scopes == {"services:read", "services:write", "keys:read", "keys:write", "audit:read"}
    assert (people, organizations) == ({"alice"}, {"Acme"})
    assert offered(cast.bob)[1:] == ({"bob"}, set())
    assert offered(cast.ada)[2] == {"Acme", "Umbrella"}


@pytest.mark.parametrize(
    "values",
    [
        {"scopes": ["users:write"]},
        {"user": "ada"},
        {"user": "", "organization": "acme"},
    ],
)
def test_what_was_not_offered_is_not_taken(cast: Cast, values: dict[str, Any]) -> None:
    mallory = browser(cast.mallory)
    chosen = {
        name: getattr(cast, value).pk if value in ("ada", "acme") else value for name, value in values.items()
    }
    assert errors_of(mallory.post(page(ADD), fill_in(mallory, cast.mallory) | chosen))
    assert ApiKey.objects.count() == 0


@pytest.mark.requirement(78)
def test_who_may_only_look_makes_no_key(cast: Cast) -> None:
    audrey = browser(cast.audrey)
    assert audrey.get(page(ADD)).status_code == 403
    assert audrey.post(page(ADD), fill_in(browser(cast.ada), cast.audrey)).status_code == 403
    assert ApiKey.objects.count() == 0
