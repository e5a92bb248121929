"""A page that was open while somebody else changed the row: only what was changed on it is written."""

from typing import Any

import pytest
from django.test import Client

from access.principals import Caller
from accounts.models import Membership, Organization, User
from accounts.organizations.changes import OrganizationChanges
from accounts.organizations.services import change_member_role, update_organization
from accounts.users.changes import UserChanges
from accounts.users.services import update_user
from apikeys.changes import ApiKeyChanges
from apikeys.models import ApiKey
from apikeys.services.api_keys import update_api_key
from audit.models import Event
from oauth.changes import ClientChanges
from oauth.models import OAuthClient
from oauth.services.clients import update_client
from tests.admin.helpers import errors_of, page, text_of
from tests.conftest import Cast, add_user, make_key
from tests.oauth.flow import make_client

PERSON = "accounts_user_change"
CLIENT = "accounts_oauthclient_change"
KEY = "apikeys_apikey_change"
ORGANIZATION = "accounts_organization_change"


def filled(answer: Any) -> dict[str, Any]:
    """What a browser sends if nothing is typed into the forms of a page."""
    shown = answer.context
    parts = [shown["adminform"].form]
    for each in shown["inline_admin_formsets"]:
        parts += [each.formset.management_form, *each.formset.initial_forms]
    return {name: value for part in parts for name, value in _filled(part)}


def _filled(form: Any) -> list[tuple[str, Any]]:
    sent = []
    for bound in form:
        value = bound.field.prepare_value(bound.value())
        if value not in (None, False) and not bound.field.disabled:
            sent.append((bound.html_name, value))
        if bound.field.show_hidden_initial:
            sent.append((bound.html_initial_name, "" if value in (None, []) else value))
    return sent


@pytest.mark.parametrize(
    "changes",
    [{"is_active": False}, {"role": "member"}, {"must_have_second_factor": True}, {"is_superuser": False}],
)
def test_a_page_of_a_person_undoes_nothing(
    ada: Client, operator: Caller, cast: Cast, changes: dict[str, Any]
) -> None:
    dora = add_user("dora", "auditor", is_superuser=True)
    shown = filled(ada.get(page(PERSON, dora.pk)))
    update_user(caller=operator, user=dora, changes=UserChanges(**changes))
    assert ada.post(page(PERSON, dora.pk), shown | {"name": "Dorothea"}).status_code == 302
    dora = User.objects.get(pk=dora.pk)
    assert {name: getattr(dora, name) for name in changes} == changes
    assert dora.name == "Dorothea"
    assert Event.objects.latest("sequence").name == "user:changed"


def test_what_was_changed_on_the_page_is_written_whatever_it_was_since(
    ada: Client, operator: Caller, cast: Cast
) -> None:
    shown = filled(ada.get(page(PERSON, cast.bob.pk)))
    update_user(caller=operator, user=cast.bob, changes=UserChanges(role="admin", name="Rob"))
    assert ada.post(page(PERSON, cast.bob.pk), shown | {"role": "auditor"}).status_code == 302
    bob = User.objects.get(pk=cast.bob.pk)
    assert (bob.role, bob.name) == ("auditor", "Rob")


def test_a_page_with_an_error_still_knows_what_it_showed_at_first(
    ada: Client, operator: Caller, cast: Cast
) -> None:
    address = page(PERSON, cast.bob.pk)
    shown = filled(ada.get(address))
    update_user(caller=operator, user=cast.bob, changes=UserChanges(is_active=False))
    again = ada.post(address, shown | {"name": "a\x07"})
    assert "control" in errors_of(again)["name"]
    assert '<input type="hidden" name="initial-is_active" value="True"' in text_of(again)
    assert ada.post(address, shown | {"name": "Robert"}).status_code == 302
    assert User.objects.values_list("name", "is_active").get(pk=cast.bob.pk) == ("Robert", False)


def test_a_page_of_a_client_gives_back_no_scope(ada: Client, operator: Caller, cast: Cast) -> None:
    client = make_client("services:write", "users:write", owner=cast.acme).row
    shown = filled(ada.get(page(CLIENT, client.pk)))
    update_client(caller=operator, client=client, changes=ClientChanges(scopes=["services:write"]))
    assert ada.post(page(CLIENT, client.pk), shown | {"name": "Import"}).status_code == 302
    client = OAuthClient.objects.get(pk=client.pk)
    assert (client.name, client.scopes) == ("Import", ["services:write"])


def test_a_page_of_a_client_gives_back_no_redirect_address(ada: Client, operator: Caller, cast: Cast) -> None:
    good, lost = "https://app.example.org/back", "https://old.example.org/back"
    client = make_client("services:read", redirect_uris=[good, lost]).row
    shown = filled(ada.get(page(CLIENT, client.pk)))
    update_client(caller=operator, client=client, changes=ClientChanges(redirect_uris=[good]))
    assert ada.post(page(CLIENT, client.pk), shown | {"name": "App"}).status_code == 302
    client = OAuthClient.objects.get(pk=client.pk)
    assert (client.name, client.redirect_uris) == ("App", good)


def test_a_page_of_a_key_lifts_no_limit(ada: Client, operator: Caller, cast: Cast) -> None:
    key = make_key(cast.bob, "services:read")
    shown = filled(ada.get(page(KEY, key.row.pk)))
    limits = ApiKeyChanges(allowed_networks=["192.0.2.0/24"])
    update_api_key(caller=operator, key=key.row, changes=limits)
    assert ada.post(page(KEY, key.row.pk), shown | {"name": "CI 2"}).status_code == 302
    row = ApiKey.objects.get(pk=key.row.pk)
    assert (row.name, row.allowed_networks) == ("CI 2", ["192.0.2.0/24"])


def test_a_page_of_an_organization_undoes_nothing(ada: Client, operator: Caller, cast: Cast) -> None:
    shown = filled(ada.get(page(ORGANIZATION, cast.acme.pk)))
    alice = Membership.objects.get(user=cast.alice)
    update_organization(
        caller=operator, organization=cast.acme, changes=OrganizationChanges(requires_second_factor=True)
    )
    change_member_role(caller=operator, membership=alice, role="developer")
    assert ada.post(page(ORGANIZATION, cast.acme.pk), shown | {"name": "Acme & Sons"}).status_code == 302
    acme = Organization.objects.get(pk=cast.acme.pk)
    assert (acme.name, acme.requires_second_factor) == ("Acme & Sons", True)
    assert Membership.objects.get(user=cast.alice).role == "developer"
