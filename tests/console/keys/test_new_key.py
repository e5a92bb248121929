"""/account/keys/new: make a key, for oneself or an organization, and see it once."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from msgspec.structs import replace

from apikeys.models import ApiKey
from config import profiles
from config.profiles import Profile
from tests.accounts.authenticator import enrolled
from tests.config.profile_texts import SHIPPED
from tests.conftest import PASSWORD, Cast, add_user, make_key, with_key
from tests.console.helpers import console_of, strict
from tests.console.keys.helpers import LIST, NEW, form_of, key_in, last_event, make, page_of, text_of
from tests.every_profile.speaker import everything_role


def test_a_member_makes_a_key_that_works(cast: Cast) -> None:
    typed = {
        "scopes": ["services:read"],
        "environment": "test",
        "lifetime": "7",
        "allowed_networks": "127.0.0.1\n192.0.2.0/24",
        "rate_limit": "100/60s",
    }
    answer = make(console_of(cast.bob), **typed)
    assert answer.status_code == 200 and answer["Cache-Control"] == "no-store"
    text, row = key_in(answer), ApiKey.objects.get()
    assert with_key(text).get("auth/me").status_code == 200
    assert (row.name, row.user, row.environment, row.scopes) == ("CI", cast.bob, "test", ["services:read"])
    assert (row.allowed_networks, str(row.rate_limit)) == (["127.0.0.1", "192.0.2.0/24"], "100/60s")
    assert row.expires_at is not None and row.expires_at - row.created_at == timedelta(days=7)
    assert last_event() == ("api_key:created", str(cast.bob.uuid))


def test_a_key_keeps_its_description_and_metadata(cast: Cast) -> None:
    client = console_of(cast.bob)
    make(client, description="Reads the stock", metadata="team=operations")
    row = ApiKey.objects.get()
    assert (row.description, row.metadata) == ("Reads the stock", {"team": "operations"})
    shown = text_of(client.get(page_of(row)))
    assert "Reads the stock" in shown and "operations" in shown
    client.post(page_of(row, "edit"), {"name": "CI", "description": "Writes it", "metadata": "team=sales"})
    row.refresh_from_db()
    assert (row.description, row.metadata) == ("Writes it", {"team": "sales"})


def test_the_new_key_comes_with_lines_that_use_it(cast: Cast) -> None:
    answer = make(console_of(cast.bob))
    shown, key = text_of(answer), key_in(answer)
    assert f"curl http://127.0.0.1:8000/api/v1/auth/me -H 'X-API-Key: {key}'" in shown
    assert f'headers={{"X-API-Key": "{key}"}},' in shown
    assert f'"X-API-Key": "{key}",\n' in shown


@pytest.mark.requirement(57)
def test_a_new_key_is_shown_once_and_stored_nowhere(cast: Cast) -> None:
    client = console_of(cast.bob)
    sent = form_of(client)
    text = key_in(client.post(NEW, sent))
    again = client.post(NEW, sent, follow=True)
    assert again.redirect_chain == [(page_of(ApiKey.objects.get()), 302)]
    assert "already created its key" in text_of(again)
    for path in (LIST, page_of(ApiKey.objects.get()), page_of(ApiKey.objects.get(), "rotate"), NEW):
        assert text not in text_of(client.get(path))
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            assert text not in str(cursor.fetchall()), table


@pytest.mark.requirement(46)
def test_an_owner_makes_keys_for_the_organization_and_a_developer_does_not(cast: Cast) -> None:
    acme = str(cast.acme.uuid)
    assert key_in(make(console_of(cast.alice), owner=acme))
    assert ApiKey.objects.get().organization == cast.acme
    for who, owner in (
        (cast.bob, acme),
        (cast.alice, str(cast.umbrella.uuid)),
        (cast.bob, str(cast.alice.uuid)),
    ):
        answer = make(console_of(who), owner=owner)
        assert answer.status_code == 400 and "owner" in answer.context["form"].errors
    assert ApiKey.objects.count() == 1


@pytest.mark.requirement(60)
def test_only_scopes_that_one_holds_are_offered_and_taken(cast: Cast) -> None:
    client = console_of(cast.bob)
    offered = [name for name, _ in client.get(NEW).context["form"].fields["scopes"].choices]
    assert "services:read" in offered and "users:write" not in offered
    assert "Read from the services behind the gateway" in text_of(client.get(NEW))
    answer = make(client, scopes=["users:write"])
    assert answer.status_code == 400 and not ApiKey.objects.exists()


@pytest.mark.parametrize(
    ("member", "value", "says"),
    [
        ("name", "", "This field is required."),
        ("name", "é" * 5000, "at most 100 characters"),
        ("name", "a\0b", "Null characters"),
        ("scopes", ["lost"], "Select a valid choice"),
        ("environment", "moon", "Select a valid choice"),
        ("lifetime", "9999", "Select a valid choice"),
        ("lifetime", "date", "Enter a date only if"),
        ("expires_at", "2001-01-01T00:00", "Enter a date only if"),
        ("expires_at", "tomorrow", "Enter a valid date"),
        ("allowed_networks", "example.org", "is not a network"),
        ("allowed_networks", "x" * 5000, "is not a network"),
        ("rate_limit", "fast", "such as 100/60s"),
        ("rate_limit", "1/99d", "must be 1 to"),
        ("owner", "\0", "Select a valid choice"),
        ("ticket", "another", "This form has expired."),
    ],
)
def test_wrong_input_is_marked_beside_its_field(member: str, value: Any, says: str, cast: Cast) -> None:
    answer = make(console_of(cast.bob), **{member: value})
    assert answer.status_code == 400 and says in text_of(answer)
    assert not ApiKey.objects.exists()


def test_a_name_with_a_key_in_it_is_refused(cast: Cast) -> None:
    key = make_key(cast.bob).text
    answer = make(console_of(cast.bob), name=key)
    assert answer.status_code == 400 and "contains a key or a token" in text_of(answer)
    assert ApiKey.objects.count() == 1


def test_an_expiry_in_the_past_is_refused_beside_its_field(cast: Cast) -> None:
    answer = make(console_of(cast.bob), lifetime="date", expires_at="2001-01-01T00:00")
    assert answer.status_code == 400
    assert answer.context["form"].errors["expires_at"] == ["must be in the future"]


def test_people_choose_a_date_or_no_end(cast: Cast) -> None:
    client = console_of(cast.bob)
    make(client, lifetime="date", expires_at="2999-12-31T10:00")
    assert ApiKey.objects.latest("pk").expires_at == datetime(2999, 12, 31, 10, tzinfo=UTC)
    make(client, lifetime="never")
    assert ApiKey.objects.latest("pk").expires_at is None


@pytest.mark.requirement(88)
def test_a_form_without_a_csrf_token_makes_nothing(cast: Cast) -> None:
    client = console_of(cast.bob)
    assert strict(client).post(NEW, form_of(client)).status_code == 403
    assert not ApiKey.objects.exists()


def test_people_whose_role_is_taken_away_while_the_form_is_open_make_nothing(cast: Cast) -> None:
    client = console_of(cast.bob)
    sent = form_of(client)
    type(cast.bob).objects.filter(pk=cast.bob.pk).update(role="auditor")
    cast.bob.memberships.all().delete()
    assert client.post(NEW, sent, follow=True).status_code == 403
    assert not ApiKey.objects.exists()


def browser_of_an_admin(profile: Profile) -> Client:
    """A browser after a login with a second factor, which some products want for keys."""
    admin = add_user("ada", everything_role(profile))
    name = admin.username if "username" in profile.login.identifiers else admin.email
    form = {"identifier": name, "password": PASSWORD, "totp_code": enrolled(admin).code()}
    client = Client(headers={"Accept": "text/html"})
    assert client.post("/account/login", form).status_code == 302
    return client


@pytest.mark.parametrize("profile", list(map(profiles.load, SHIPPED)), ids=lambda each: each.product.name)
def test_every_product_makes_keys_with_its_own_header(
    profile: Profile, served_profile: Callable[[Profile], None], db: None
) -> None:
    served_profile(profile)
    client = browser_of_an_admin(profile)
    form, keys = client.get(NEW).context["form"], profile.keys
    assert ("scopes" in form.fields) == bool(profile.scopes)
    assert form.fields["environment"].widget.is_hidden == (len(keys.environments) == 1)
    assert {name for name in form.fields if name.startswith("attribute_")} == {
        f"attribute_{name}" for name in keys.attributes
    }
    answer = make(client, **({"scopes": list(profile.scopes)[:1]} if profile.scopes else {}))
    key, shown = key_in(answer), text_of(answer)
    sent = f"{keys.header}: {key}" if keys.header else f"Authorization: Bearer {key}"
    assert f"-H '{sent}'" in shown
    assert "CI" in text_of(client.get(LIST))
    assert client.get(page_of(ApiKey.objects.get())).status_code == 200


def test_a_profile_that_limits_the_life_of_keys_offers_nothing_longer(
    served_profile: Callable[[Profile], None], db: None
) -> None:
    file = profiles.active().file
    served_profile(Profile("test", replace(file, keys=replace(file.keys, longest_days=45))))
    client = console_of(add_user("bob"))
    form = client.get(NEW).context["form"]
    assert [value for value, _ in form.fields["lifetime"].choices] == ["7", "30", "45", "date"]
    assert make(client, lifetime="never").status_code == 400
    late = make(client, lifetime="date", expires_at="2999-01-01T00:00")
    assert "must not be after" in late.context["form"].errors["expires_at"][0]
