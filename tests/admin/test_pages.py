"""What holds for every page of the admin: no secret, no guessing, no crash, no query per row."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.contrib.admin import site
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.invitations.services import invite
from accounts.models import Organization, User
from apikeys.models import ApiKey
from tests.accounts.helpers import caller_as
from tests.admin.helpers import page, text_of
from tests.conftest import Cast, add_user, make_key
from tests.logins import browser
from tests.oauth.flow import Flow, make_client

LISTS = [f"{model._meta.app_label}_{model._meta.model_name}_changelist" for model in site._registry]


@pytest.fixture
def ada(cast: Cast) -> Client:
    make_key(cast.acme, "services:read", name="deploy")
    return browser(cast.ada)


def every_page(cast: Cast) -> Iterator[str]:
    yield "/admin/"
    yield "/account/security"
    yield from (page(name) for name in LISTS)
    yield from (page(f"{name}_add") for name in ("accounts_user", "accounts_organization", "apikeys_apikey"))
    yield page("accounts_user_change", cast.ada.pk)
    yield page("accounts_organization_change", cast.acme.pk)
    yield page("apikeys_apikey_change", ApiKey.objects.latest("pk").pk)
    yield page("audit_event_change", 1)
    yield page("audit_sinks")


@pytest.mark.requirement(49)
def test_no_page_shows_a_hash_a_digest_or_a_pepper(ada: Client, cast: Cast) -> None:
    key = ApiKey.objects.get()
    secrets = [settings.SECRET_KEY, bytes(key.digest).hex(), str(bytes(key.digest))[2:-1]]
    secrets += [pepper.hex() for pepper in settings.PEPPERS.values()]
    secrets += [user.password for user in User.objects.all()] + ["argon2"]
    for address in every_page(cast):
        text = text_of(ada.get(address))
        assert not [secret for secret in secrets if secret in text], address


@pytest.mark.parametrize(
    ("name", "lookup"),
    [
        ("accounts_user_changelist", "password__startswith"),
        ("accounts_user_changelist", "sessions__refresh_digest__startswith"),
        ("accounts_user_changelist", "api_keys__digest__startswith"),
        ("accounts_user_changelist", "email_key__startswith"),
        ("apikeys_apikey_changelist", "digest__gt"),
        ("apikeys_apikey_changelist", "user__password__startswith"),
        ("accounts_organization_changelist", "memberships__user__password__startswith"),
        ("audit_event_changelist", "detail__contains"),
    ],
)
@pytest.mark.requirement(78)
def test_no_column_is_guessed_letter_by_letter(ada: Client, name: str, lookup: str) -> None:
    response = ada.get(page(name), {lookup: "argon2"})
    assert response.status_code in (302, 400)
    assert "results" not in text_of(response)


@pytest.mark.parametrize(
    "query",
    [
        {"q": "\x00"},
        {"q": "\x1b[2J"},
        {"q": "'\";--"},
        {"q": "x" * 10_000},
        {"p": "99999999999999999999"},
        {"p": "-1"},
        {"o": "99.-99.x"},
        {"environment": "\x00"},
        {"environment": "moon"},
        {"organization": "x"},
        {"kind": "perhaps"},
        {"time": "\x00"},
        {"name__exact": "\x00"},
        {"role__exact": "\x00"},
        {"is_active__exact": "perhaps"},
        {"status": "perhaps"},
        {"no_such_thing": "1"},
        {"_to_field": "password"},
    ],
)
def test_an_odd_query_is_no_crash(ada: Client, query: dict[str, str]) -> None:
    for name in LISTS:
        answer = ada.get(page(name), query)
        assert answer.status_code in (200, 302, 400), name
        assert answer.headers.get("Location", page(name)) == page(name)
    assert ada.get(page(LISTS[0])).status_code == 200  # it says what all of them have said


@pytest.mark.parametrize("number", ["0", "-1", "9" * 30, "x", "%00", "1%00", "1_2F2"])
def test_an_odd_number_is_no_crash(ada: Client, number: str) -> None:
    for name in ("accounts/user", "accounts/organization", "apikeys/apikey", "audit/event"):
        assert ada.get(f"/admin/{name}/{number}/change/").status_code in (302, 400, 404), name
        assert ada.post(f"/admin/{name}/{number}/change/", {"name": "x"}).status_code in (302, 400, 403, 404)


def test_pages_and_answers_are_never_stored(ada: Client, cast: Cast) -> None:
    for address in every_page(cast):
        assert "no-store" in ada.get(address).headers["Cache-Control"], address


def queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


def test_pages_take_as_many_queries_for_many_rows_as_for_few(ada: Client, cast: Cast) -> None:
    addresses = [
        *(page(name) for name in LISTS),
        page("accounts_organization_change", cast.acme.pk),
        page("apikeys_apikey_add"),
    ]
    before = {address: queries(ada, address) for address in addresses}
    for number in range(5):
        user = add_user(f"person{number}", memberships=[(cast.acme, "developer")])
        make_key(user, name=f"key {number}")
        make_key(cast.umbrella, name=f"shared {number}")
        Flow(make_client(name=f"client {number}"), user).tokens()
        invite(
            caller=caller_as(cast.ada),
            organization=cast.acme,
            email=f"{number}@example.net",
            role="developer",
        )
        Organization.objects.create(name=f"organization {number}").members.add(
            user, through_defaults={"role": "owner"}
        )
    assert {address: queries(ada, address) for address in addresses} == before
