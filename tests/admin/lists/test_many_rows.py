"""However many rows exist, a page of the admin asks for a few, and an action takes a bounded number."""

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.contrib.messages import get_messages
from django.db import connection
from django.db.models import ForeignKey, ManyToManyField
from django.test import Client
from django.test.utils import CaptureQueriesContext

from access.backoffice.base import MOST_AT_ONCE, CapabilityAdmin
from access.backoffice.forms import MOST_IN_LIST
from accounts.models import Membership, Organization, User
from accounts.organizations.admin import MOST_SHOWN
from oauth.models import OAuthClient
from tests.admin.helpers import act, errors_of, messages_of, page, send_form, text_of, ticket_of
from tests.conftest import Cast, make_key
from tests.logins import browser

pytestmark = pytest.mark.slow

REGISTERED = sorted(admin.site._registry.items(), key=lambda pair: pair[0]._meta.label)
LABELS = [model._meta.label_lower.replace(".", "_") for model, _ in REGISTERED]
TOO_MANY = [f"Select at most {MOST_AT_ONCE} rows. Nothing was done."]


def fill(count: int) -> list[User]:
    """Have so many more people, organizations and clients; return the people."""
    numbers = range(start := User.objects.count(), start + count)
    people = User.objects.bulk_create(
        User(
            username=f"crowd{n}",
            username_key=f"crowd{n}",
            email=f"crowd{n}@example.org",
            email_key=f"crowd{n}@example.org",
            role="member",
        )
        for n in numbers
    )
    acme = Organization.objects.get(name="Acme")
    Membership.objects.bulk_create(
        Membership(user=person, organization=acme, role="developer") for person in people
    )
    Organization.objects.bulk_create(Organization(name=f"Firm {n}", name_key=f"firm {n}") for n in numbers)
    OAuthClient.objects.bulk_create(
        OAuthClient(name=f"Client {n}", client_id=f"client-{n}", user=person)
        for n, person in zip(numbers, people, strict=True)
    )
    return people


@pytest.fixture
def crowd(cast: Cast) -> list[User]:
    """More people than an action takes at once."""
    return fill(MOST_AT_ONCE + 10)


def actions() -> list[tuple[str, str]]:
    """(model, action) of every action of every list."""
    return [
        (label, str(name))
        for label, (_, model_admin) in zip(LABELS, REGISTERED, strict=True)
        for name in (*(model_admin.actions or ()), *(["delete_selected"] if may_delete(model_admin) else []))
    ]


def may_delete(model_admin: admin.ModelAdmin[Any]) -> bool:
    """Whether rows of this list can be deleted: CapabilityAdmin allows nobody to."""
    return type(model_admin).has_delete_permission is not CapabilityAdmin.has_delete_permission


def test_every_list_is_of_our_kind() -> None:
    assert len(REGISTERED) >= 7
    assert all(isinstance(model_admin, CapabilityAdmin) for _, model_admin in REGISTERED)


@pytest.mark.parametrize(("model", "action"), actions())
def test_every_action_takes_so_many_rows_at_once_and_says_so(cast: Cast, model: str, action: str) -> None:
    ada, address = browser(cast.ada), page(f"{model}_changelist")
    count, told = MOST_AT_ONCE + 1, list[str]()
    for more in ({}, {"confirmed": "True"}, {"post": "yes"}, {"index": "0"}):
        for rows in (count, 3 * count):
            sent = {"action": action, "_selected_action": list(range(10**6, 10**6 + rows)), **more}
            answer = send_form(ada, address, sent, follow=False)
            if action == "export":
                assert (answer.status_code, answer.headers["Content-Type"][:8]) == (200, "text/csv")
                assert answer.getvalue()  # what is not read counts among the files of its person
            else:
                told += TOO_MANY
                assert (answer.status_code, answer.headers["Location"]) == (302, address)
                assert [str(each) for each in get_messages(answer.wsgi_request)] == told
    assert messages_of(ada.get(address)) == told  # one page says it all: to render one for each takes long


def test_deleting_people_is_bounded_before_and_after_the_question(cast: Cast, crowd: list[User]) -> None:
    ada, before = browser(cast.ada), User.objects.count()
    for more in ({}, {"post": "yes"}):
        answer = act(ada, "accounts_user", "delete_selected", *crowd, **more)
        assert messages_of(answer) == TOO_MANY
        across = {"select_across": "1", **more}
        answer = act(ada, "accounts_user", "delete_selected", crowd[0], index="0", **across)
        assert messages_of(answer) == TOO_MANY
    assert User.objects.count() == before


def test_as_many_as_the_bound_are_deleted(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("access.backoffice.base.MOST_AT_ONCE", 12)
    ada, crowd = browser(cast.ada), fill(15)
    asked = act(ada, "accounts_user", "delete_selected", *crowd[:12])
    assert text_of(asked).count('name="_selected_action"') == 12
    act(ada, "accounts_user", "delete_selected", *crowd[:12], post="yes")
    assert set(User.objects.filter(username__startswith="crowd")) == set(crowd[12:])


def test_all_that_is_found_is_bounded_by_what_is_found(cast: Cast, crowd: list[User]) -> None:
    sent = {
        "action": "deactivate",
        "select_across": "1",
        "confirmed": "True",
        "_selected_action": crowd[0].pk,
    }
    ada = browser(cast.ada)
    assert messages_of(ada.post(page("accounts_user_changelist"), sent, follow=True)) == TOO_MANY
    assert not User.objects.filter(is_active=False).exists()
    found = ada.post(f"{page('accounts_user_changelist')}?q=mallory", sent, follow=True)
    assert messages_of(found) == ["1 person deactivated."]


def test_a_form_of_more_fields_than_are_read_is_told_so(cast: Cast) -> None:
    sent = {"action": "delete_selected", "_selected_action": list(range(10_001))}
    answer = send_form(browser(cast.ada), page("accounts_user_changelist"), sent)
    assert answer.status_code == 400
    assert "The form has more than 10000 fields." in text_of(answer)


def size(client: Client, address: str) -> tuple[int, int]:
    """Return how many bytes and queries a page costs, without its tokens, which vary in length."""
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(address)
    assert answer.status_code == 200, address
    return len(re.sub(r'value="[A-Za-z0-9:_-]{40,}"', "", text_of(answer))), len(queries)


def assert_none_grows(client: Client, pages: list[str], rows: int) -> None:
    """Assert that 400 rows on top of these many make no page cost more."""
    fill(rows)
    for address in pages:
        client.get(address)  # what the process keeps from the first page on is not counted
    few = [size(client, address) for address in pages]
    fill(400)
    for address, (length, queries) in zip(pages, few, strict=True):
        many = size(client, address)
        assert many[1] == queries, address
        assert many[0] < length * 1.1 + 2000, address


def test_no_page_grows_with_the_number_of_rows(cast: Cast) -> None:
    ada = browser(cast.ada)
    lists = [page(f"{model}_changelist") for model in LABELS]
    forms = [page(f"{model}_add") for model in LABELS]
    assert_none_grows(ada, lists + [each for each in forms if ada.get(each).status_code == 200], 60)


def test_no_form_of_a_row_grows_with_the_number_of_rows(cast: Cast) -> None:
    client = OAuthClient.objects.create(name="Board", user=cast.bob, scopes=["services:read"])
    key = make_key(cast.bob, "services:read").row
    rows = [cast.acme, cast.bob, key, client]
    pages = [page(f"{row._meta.label_lower.replace('.', '_')}_change", row.pk) for row in rows]
    assert_none_grows(browser(cast.ada), pages, MOST_SHOWN)


def test_members_beyond_a_page_are_found_changed_and_taken_out(cast: Cast) -> None:
    fill(MOST_SHOWN + 5)
    late = Membership.objects.filter(organization=cast.acme).order_by("pk").last()
    assert late is not None
    ada, address = browser(cast.ada), page("accounts_organization_change", cast.acme.pk)
    assert "has many members" in text_of(ada.get(address)) and str(late.user) not in text_of(ada.get(address))
    found = text_of(ada.get(address, {"member": str(late.user).upper()}))
    assert str(late.user) in found and 'name="memberships-INITIAL_FORMS" value="1"' in found
    sent = {"name": "Acme", "memberships-TOTAL_FORMS": "1", "memberships-INITIAL_FORMS": "1"}
    sent |= {"memberships-0-id": str(late.pk), "memberships-0-organization": str(cast.acme.pk)}
    assert ada.post(address, {**sent, "memberships-0-role": "owner"}).status_code == 302
    late.refresh_from_db()
    assert late.role == "owner"
    sent |= {"memberships-0-role": "owner", "memberships-0-DELETE": "on"}
    assert ada.post(address, sent).status_code == 302
    assert not Membership.objects.filter(pk=late.pk).exists()
    assert Membership.objects.filter(organization=cast.acme).count() > MOST_SHOWN


@pytest.mark.parametrize("text", ["\0", "\udcff", "nobody", "%", "x" * 5000])
def test_a_search_for_members_that_finds_nobody_shows_nobody(cast: Cast, text: str) -> None:
    fill(MOST_SHOWN)
    address = page("accounts_organization_change", cast.acme.pk)
    answer = browser(cast.ada).get(f"{address}?{urlencode({'member': text}, errors='surrogatepass')}")
    assert answer.status_code in {200, 400}
    assert "crowd" not in text_of(answer)


@pytest.mark.parametrize("name", ["user", "organization"])
def test_the_form_of_a_client_lists_few_people_and_finds_the_others(cast: Cast, name: str) -> None:
    ada, address = browser(cast.ada), page("accounts_oauthclient_add")
    assert "mallory</option>" in text_of(ada.get(address))
    fill(MOST_IN_LIST + 1)
    text = text_of(ada.get(address))
    assert "mallory</option>" not in text and "Firm" not in text
    assert text.count('data-ajax--url="/admin/autocomplete/"') == 2
    query = {"app_label": "accounts", "model_name": "oauthclient", "field_name": name}
    term, row = {"user": ("mall", cast.mallory), "organization": ("umbr", cast.umbrella)}[name]
    (found,) = ada.get("/admin/autocomplete/", {**query, "term": term}).json()["results"]
    assert found["id"] == str(row.pk)
    sent = {"name": "Machine", "scopes": ["services:read"], name: row.pk, **ticket_of(ada, address)}
    assert ada.post(address, sent).status_code == 200
    assert getattr(OAuthClient.objects.get(name="Machine"), name) == row


def test_filters_in_the_sidebar_list_no_rows_of_another_table(cast: Cast) -> None:
    for model, model_admin in REGISTERED:
        for each in model_admin.list_filter:
            name = each[0] if isinstance(each, tuple) else each
            if isinstance(name, str):
                assert not isinstance(model._meta.get_field(name), (ForeignKey, ManyToManyField)), name


@pytest.mark.parametrize("more", [0, MOST_IN_LIST + 1])
def test_a_row_is_chosen_by_its_number_in_ascii(cast: Cast, more: int) -> None:
    ada, number = browser(cast.ada), cast.mallory.pk
    fill(more)
    for text in (chr(0x660 + number % 10), f" {number}", f"+{number}", f"0_{number}"):
        sent = {"name": "Machine", "scopes": ["services:read"], "user": text}
        assert "valid choice" in errors_of(ada.post(page("accounts_oauthclient_add"), sent))["user"]
        members = {"memberships-TOTAL_FORMS": "1", "memberships-INITIAL_FORMS": "0"}
        members |= {"memberships-0-user": text, "memberships-0-role": "developer"}
        answer = ada.post(page("accounts_organization_change", cast.acme.pk), {"name": "Acme", **members})
        assert "valid choice" in text_of(answer)
    assert not Membership.objects.filter(user=cast.mallory).exists()
