"""Who sees and changes what in the admin: absent means denied."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Membership, Organization, User
from apikeys.models import ApiKey
from audit.models import Event
from tests.admin.helpers import page, text_of
from tests.conftest import Cast, make_key
from tests.logins import browser

LISTS = {
    "people": "accounts_user_changelist",
    "organizations": "accounts_organization_changelist",
    "keys": "apikeys_apikey_changelist",
    "events": "audit_event_changelist",
    "sessions": "accounts_session_changelist",
    "invitations": "accounts_invitation_changelist",
}
OPEN = {
    "ada": set(LISTS),
    "audrey": {"people", "organizations", "keys", "events"},
    "alice": {"people", "organizations", "keys", "events"},
    "bob": {"keys"},
    "mallory": {"keys"},
}


def rows_of(response: Any) -> set[str]:
    """The rows that a list shows."""
    return {str(row) for row in response.context["cl"].queryset}


@pytest.mark.parametrize("who", OPEN)
@pytest.mark.requirement(47)
def test_a_list_is_open_to_whom_a_role_opens_it(cast: Cast, who: str) -> None:
    client = browser(getattr(cast, who))
    seen = {name for name, address in LISTS.items() if client.get(page(address)).status_code == 200}
    assert seen == OPEN[who]
    assert all(client.get(page(LISTS[name])).status_code == 403 for name in LISTS.keys() - seen)


def test_the_first_page_names_only_what_is_open(cast: Cast) -> None:
    links = text_of(browser(cast.mallory).get("/admin/"))
    assert page(LISTS["keys"]) in links
    assert all(page(LISTS[name]) not in links for name in ("people", "organizations", "events"))


@pytest.fixture
def keys(cast: Cast) -> dict[str, ApiKey]:
    owners = (cast.ada, cast.alice, cast.bob, cast.charlie, cast.mallory, cast.acme, cast.umbrella)
    return {str(owner): make_key(owner, name=f"of {owner}").row for owner in owners}


def test_a_member_sees_only_their_own_keys(cast: Cast, keys: dict[str, ApiKey]) -> None:
    mallory = browser(cast.mallory)
    assert rows_of(mallory.get(page(LISTS["keys"]))) == {"of mallory"}
    for owner in keys.keys() - {"mallory"}:
        response = mallory.get(page("apikeys_apikey_change", keys[owner].pk), follow=True)
        assert f"of {owner}" not in text_of(response)
        mallory.post(page("apikeys_apikey_change", keys[owner].pk), {"name": "mine"})
    assert not ApiKey.objects.filter(name="mine").exists()


def test_the_owner_of_an_organization_sees_only_that_one(cast: Cast, keys: dict[str, ApiKey]) -> None:
    alice = browser(cast.alice)
    assert rows_of(alice.get(page(LISTS["people"]))) == {"alice", "bob"}
    assert rows_of(alice.get(page(LISTS["organizations"]))) == {"Acme"}
    assert rows_of(alice.get(page(LISTS["keys"]))) == {"of alice", "of Acme"}
    events = alice.get(page(LISTS["events"])).context["cl"].queryset
    assert {event.organization_id for event in events} == {cast.acme.pk}
    for address in (
        page("accounts_user_change", cast.charlie.pk),
        page("accounts_organization_change", cast.umbrella.pk),
        page("audit_event_change", Event.objects.filter(organization_id=None)[0].pk),
    ):
        response = alice.get(address)
        assert (response.status_code, response.headers["Location"]) == (302, "/admin/")


def test_the_search_for_members_finds_only_whom_one_sees(cast: Cast) -> None:
    query = {"app_label": "accounts", "model_name": "membership", "field_name": "user"}
    found = browser(cast.ada).get("/admin/autocomplete/", query).json()["results"]
    assert len(found) == 6
    found = browser(cast.alice).get("/admin/autocomplete/", query).json()["results"]
    assert {each["text"] for each in found} == {"alice", "bob"}
    assert browser(cast.mallory).get("/admin/autocomplete/", query).status_code == 403


def changes(cast: Cast, key: ApiKey) -> list[tuple[str, dict[str, Any]]]:
    """One attempt at each thing that the admin changes."""
    return [
        (page("accounts_user_add"), {"username": "eve", "email": "eve@example.org", "role": "admin"}),
        (page("accounts_user_change", cast.bob.pk), {"name": "x", "role": "admin", "is_superuser": "on"}),
        (page("accounts_organization_add"), {"name": "Evil"}),
        (page("accounts_organization_change", cast.acme.pk), {"name": "Evil"}),
        (page("apikeys_apikey_change", key.pk), {"name": "Evil"}),
        (page("audit_event_change", Event.objects.latest("sequence").pk), {"actor_label": "Evil"}),
    ]


def state() -> list[Any]:
    tables = (User, Organization, Membership, ApiKey)
    return [list(table._default_manager.order_by("pk").values()) for table in tables]


@pytest.mark.requirement(78)
def test_an_auditor_sees_everything_and_changes_nothing(cast: Cast, keys: dict[str, ApiKey]) -> None:
    audrey = browser(cast.audrey)
    before = state()
    for address, sent in changes(cast, keys["bob"]):
        if not address.endswith("/add/"):
            shown = audrey.get(address)
            assert shown.status_code == 200
            assert "_save" not in text_of(shown)
        assert audrey.post(address, sent).status_code == 403
    assert state() == before
    assert Event.objects.filter(name="access:denied", actor_id=str(cast.audrey.uuid)).exists()


@pytest.mark.parametrize("who", ["audrey", "alice", "bob", "mallory"])
@pytest.mark.requirement(78)
def test_nobody_promotes_themselves(cast: Cast, who: str) -> None:
    user = getattr(cast, who)
    client, before = browser(user), state()[1:]
    sent = {"name": user.name, "role": "admin", "is_active": "on", "is_superuser": "on"}
    response = client.post(page("accounts_user_change", user.pk), sent)
    assert response.status_code == 403
    again = User.objects.get(pk=user.pk)
    assert (again.role, again.is_superuser) == (user.role, False)
    assert state()[1:] == before


def test_what_is_denied_is_recorded(cast: Cast) -> None:
    browser(cast.mallory).get(page(LISTS["people"]))
    event = Event.objects.latest("sequence")
    assert (event.name, event.actor_id) == ("access:denied", str(cast.mallory.uuid))
    assert event.target_label == f"GET {page(LISTS['people'])}"


def test_a_changed_role_holds_on_the_next_page(cast: Cast) -> None:
    ada = browser(cast.ada)
    assert ada.get(page(LISTS["people"])).status_code == 200
    User.objects.filter(pk=cast.ada.pk).update(role="member")
    assert ada.get(page(LISTS["people"])).status_code == 403


@pytest.mark.parametrize("name", LISTS)
def test_nobody_in_particular_sees_nothing(db: None, name: str) -> None:
    response = Client().get(page(LISTS[name]))
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/admin/login/")
