"""An action on many rows records all events at once, and changes the end of the chain once."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from access.principals import Caller
from accounts.invitations.services import invite, withdraw_invitations
from accounts.models import Invitation, Session, User
from accounts.second_factor.services import remove_second_factors
from accounts.sessions.services import end_selected_sessions, end_sessions_of
from accounts.users.changes import UserChanges
from accounts.users.services import delete_users, update_users
from apikeys.models import ApiKey
from apikeys.services.enabling import disable_api_keys, enable_api_keys
from apikeys.services.revocation import revoke_api_keys
from audit.log import verify
from audit.models import ChainHead, Event
from oauth.models import OAuthClient
from oauth.services.clients import create_client, delete_clients
from tests.accounts.authenticator import enrolled, logged_in
from tests.accounts.helpers import caller_as, statements
from tests.conftest import Cast, make_key


def keys() -> list[ApiKey]:
    return list(ApiKey.objects.all())


def people(cast: Cast) -> list[User]:
    return [cast.alice, cast.bob, cast.mallory]


Change = Callable[[Cast, Caller], object]
CHANGES: dict[str, Change] = {
    "revoke keys": lambda cast, caller: revoke_api_keys(caller=caller, selected=keys()),
    "disable keys": lambda cast, caller: disable_api_keys(caller=caller, selected=keys()),
    "enable keys": lambda cast, caller: enable_api_keys(caller=caller, selected=keys()),
    "delete people": lambda cast, caller: delete_users(caller=caller, selected=people(cast)),
    "change people": lambda cast, caller: update_users(
        caller=caller, selected=people(cast), changes=UserChanges(is_active=False, role="auditor")
    ),
    "end sessions": lambda cast, caller: end_selected_sessions(
        caller=caller, selected=list(Session.objects.select_related("user"))
    ),
    "end all sessions of people": lambda cast, caller: end_sessions_of(caller=caller, selected=people(cast)),
    "remove second factors": lambda cast, caller: remove_second_factors(caller=caller, selected=people(cast)),
    "withdraw invitations": lambda cast, caller: withdraw_invitations(
        caller=caller, selected=list(Invitation.objects.select_related("organization"))
    ),
    "delete clients": lambda cast, caller: delete_clients(
        caller=caller, selected=list(OAuthClient.objects.all())
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_done_to_many_changes_the_end_of_the_chain_once(
    cast: Cast, operator: Caller, change: str
) -> None:
    for person in people(cast):
        logged_in(person, enrolled(person))
        invite(
            caller=caller_as(cast.ada),
            organization=cast.acme,
            email=f"{person}@example.net",
            role="developer",
        )
        made = make_key(person).row
        create_client(caller=operator, name=str(person), scopes=["services:read"], owner=person)
        if change == "enable keys":
            disable_api_keys(caller=operator, selected=[made])
    before, epoch = Event.objects.count(), ChainHead.objects.get().epoch
    with CaptureQueriesContext(connection) as captured:
        CHANGES[change](cast, operator)
    assert Event.objects.count() - before >= 3
    assert sum(sql.startswith('UPDATE "audit_chainhead"') for sql in statements(captured)) == 1
    assert ChainHead.objects.get().epoch > epoch
    assert verify().faults == []
