"""Who registers, changes and takes over OAuth2 clients."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from accounts.models import User
from audit.events import EventName
from audit.models import Event
from config import profiles
from config.profiles import Profile
from config.wire.errors import NotAllowed
from oauth.changes import ClientChanges
from oauth.models import Consent, OAuthClient
from oauth.services.clients import create_client, delete_clients, replace_secret, update_client
from tests.accounts.helpers import caller_as
from tests.admin.helpers import confirm, messages_of, text_of, ticket_asked
from tests.conftest import Cast, add_user, with_roles
from tests.logins import browser
from tests.oauth.flow import CALLBACK, Flow, gateway, make_client


@pytest.mark.requirement(74)
def test_nobody_registers_a_client_that_could_get_more_than_they_have(cast: Cast) -> None:
    for who in (cast.mallory, cast.alice, cast.audrey):
        for owner in (None, cast.acme):
            with pytest.raises(NotAllowed):
                uris = [] if owner else [CALLBACK]
                create_client(
                    caller=caller_as(who), name="x", scopes=["services:read"], redirect_uris=uris, owner=owner
                )
    with pytest.raises(NotAllowed):  # a key of hers that may manage keys, and no more
        create_client(
            caller=caller_as(cast.ada, "keys:write"),
            name="x",
            scopes=["users:read"],
            redirect_uris=[CALLBACK],
        )


@pytest.fixture
def keeper(served_profile: Callable[[Profile], None], cast: Cast) -> User:
    """Somebody who manages all keys, and holds no other scope."""
    member = profiles.active().roles["member"]
    held = ("read_own_keys", "read_keys", "manage_own_keys", "manage_keys")
    served_profile(with_roles(keeper=replace(member, capabilities=held, scopes=("keys:write",))))
    return add_user("keeper", "keeper")


@pytest.mark.requirement(74)
def test_nobody_takes_over_a_client_that_may_do_more_than_they_may(cast: Cast, keeper: User) -> None:
    of_people = make_client("users:read").row
    for row in (
        of_people,
        make_client("users:read", owner=cast.acme).row,
        make_client("users:read", owner=cast.ada).row,
        make_client("keys:write", owner=cast.ada).row,  # she may do more
    ):
        before = row.client_secret
        with pytest.raises(NotAllowed):
            replace_secret(caller=caller_as(keeper), client=row)
        row.refresh_from_db()
        assert row.client_secret == before
    elsewhere = ClientChanges(redirect_uris=["https://evil.example.org/"])
    with pytest.raises(NotAllowed):
        update_client(caller=caller_as(keeper), client=of_people, changes=elsewhere)
    update_client(caller=caller_as(keeper), client=of_people, changes=ClientChanges(name="Board"))
    of_people.refresh_from_db()
    assert (of_people.name, of_people.redirect_uris) == ("Board", CALLBACK)


@pytest.mark.requirement(74)
def test_nobody_takes_over_a_more_powerful_client_in_the_admin(cast: Cast, keeper: User) -> None:
    row = make_client("keys:write", owner=cast.ada).row
    client, action = browser(keeper), ("accounts_oauthclient", "replace_secret")
    answer = confirm(client, *action, row, **ticket_asked(client, *action, row))
    assert messages_of(answer) == ["ada may do more than you."]
    assert "ocs_" not in answer.content.decode()
    assert row.client_secret == OAuthClient.objects.get().client_secret


def test_holders_of_a_clients_scopes_may_replace_its_secret_and_its_address(cast: Cast, keeper: User) -> None:
    row = make_client("keys:read", "openid").row
    there = f"{CALLBACK}2"
    update_client(caller=caller_as(keeper), client=row, changes=ClientChanges(redirect_uris=[there]))
    assert replace_secret(caller=caller_as(keeper), client=row).row.redirect_uris == there
    machine = make_client("keys:write", owner=cast.acme).row
    client, action = browser(keeper), ("accounts_oauthclient", "replace_secret")
    answer = confirm(client, *action, machine, **ticket_asked(client, *action, machine))
    assert "ocs_" in answer.content.decode()


def test_a_client_is_changed_and_gets_another_secret_and_goes(cast: Cast) -> None:
    ada = caller_as(cast.ada)
    flow = Flow(make_client(), cast.alice)
    tokens = flow.tokens()
    update_client(
        caller=ada, client=flow.client.row, changes=ClientChanges(name="Board", redirect_uris=[CALLBACK])
    )
    newer = replace_secret(caller=ada, client=flow.client.row)
    assert flow.refresh(tokens["refresh_token"]).status_code == 401
    flow.client = newer
    assert flow.refresh(tokens["refresh_token"]).status_code == 200
    assert gateway(tokens["access_token"]) == 200
    delete_clients(caller=ada, selected=[newer.row])
    assert gateway(tokens["access_token"]) == 401
    assert not OAuthClient.objects.exists() and not Consent.objects.exists()
    names = [EventName.OAUTH_CLIENT_CREATED, *[EventName.OAUTH_CLIENT_CHANGED] * 2]
    events = Event.objects.filter(target_kind="oauth_client").order_by("sequence")
    assert [event.name for event in events] == [*names, EventName.OAUTH_CLIENT_DELETED]


def test_only_those_who_manage_keys_change_clients(cast: Cast) -> None:
    row = make_client().row
    for work in (
        lambda: update_client(caller=caller_as(cast.alice), client=row, changes=ClientChanges(name="x")),
        lambda: replace_secret(caller=caller_as(cast.alice), client=row),
        lambda: delete_clients(caller=caller_as(cast.alice), selected=[row]),
    ):
        with pytest.raises(NotAllowed):
            work()


def test_people_who_may_not_see_people_are_not_offered_them_as_owners_of_clients(
    cast: Cast, keeper: User
) -> None:
    pages, address = browser(keeper), "/admin/accounts/oauthclient/add/"
    shown = text_of(pages.get(address))
    assert [name for name in (">keeper", ">alice", ">ada", ">Umbrella") if name in shown] == [">keeper"]
    sent = {"name": "M", "scopes": ["keys:write"], "user": cast.ada.pk}
    assert "Select a valid choice" in text_of(pages.post(address, sent))
