"""A cached OAuth2 token is refused once its time, its consent or its client has ended."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from access.principals import Caller, Credential, Place, Principal
from audit.actors import Origin
from config import profiles
from config.wire.errors import InvalidToken
from oauth.authentication import authenticate_oauth2, remembered_oauth2
from oauth.changes import ClientChanges
from oauth.models import Consent, OAuthAccessToken
from oauth.services.clients import delete_clients, update_client
from oauth.services.consents import withdraw_consent
from tests.accounts.helpers import statements
from tests.conftest import Cast
from tests.oauth.flow import Flow, machine_token, make_client

Lease = Callable[[float], None]
LOOKS = 1e-9  # seconds: each use looks for events, and trusts what they do not concern
LONG = 3600.0


def use(tokens: dict[str, Any], at: datetime | None = None) -> Principal:
    origin = Origin.here()
    return authenticate_oauth2(tokens["access_token"], origin if at is None else Origin("", "", at))


@pytest.mark.requirement(102)
def test_a_cached_token_ends_with_its_consent(cast: Cast, operator: Caller, lease: Lease) -> None:
    lease(LOOKS)
    tokens = Flow(make_client(), cast.alice).tokens()
    assert use(tokens).subject == str(cast.alice.uuid)
    withdraw_consent(caller=operator, consent=Consent.objects.get())
    with pytest.raises(InvalidToken):
        use(tokens)


def test_a_cached_token_follows_the_client_of_a_machine(cast: Cast, operator: Caller, lease: Lease) -> None:
    lease(LOOKS)
    machine = make_client("services:read", "services:write", owner=cast.acme)
    tokens = machine_token(machine)
    assert "services:write" in use(tokens).scopes
    update_client(caller=operator, client=machine.row, changes=ClientChanges(scopes=("services:read",)))
    assert use(tokens).scopes == {"services:read"}
    delete_clients(caller=operator, selected=[machine.row])
    with pytest.raises(InvalidToken):
        use(tokens)


def test_a_cached_token_of_a_person_follows_its_client(cast: Cast, operator: Caller, lease: Lease) -> None:
    lease(LOOKS)
    both = ("services:read", "services:write")
    client = make_client(*both)
    tokens = Flow(client, cast.alice, scope=" ".join(both)).tokens()
    assert use(tokens).scopes == set(both)
    update_client(caller=operator, client=client.row, changes=ClientChanges(scopes=both[:1]))
    assert use(tokens).scopes == {"services:read"}


@pytest.mark.parametrize("seconds", [0, LONG])
def test_a_token_ends_at_its_time_cached_or_not(cast: Cast, lease: Lease, seconds: float) -> None:
    tokens = machine_token(make_client("services:read", owner=cast.acme))
    expires = OAuthAccessToken.objects.get().expires
    lease(seconds)
    assert use(tokens, expires - timedelta(seconds=1)).credential.expires_at == expires
    with pytest.raises(InvalidToken):
        use(tokens, expires)


def test_a_cached_token_needs_no_query_and_no_thread(cast: Cast, lease: Lease) -> None:
    lease(LONG)
    tokens = machine_token(make_client("services:read", owner=cast.acme))
    text, here = tokens["access_token"], Origin.here()
    assert remembered_oauth2(text, here) is None
    found = use(tokens)
    with CaptureQueriesContext(connection) as captured:
        assert use(tokens) is found
        cached = remembered_oauth2(text, here)
    assert cached is not None and cached.principal is found
    assert statements(captured) == []


def test_a_token_says_whose_client_it_is_and_what_it_may_tell(cast: Cast) -> None:
    client = make_client("services:read", "openid")
    found = use(Flow(client, cast.alice, scope="openid services:read").tokens())
    row = OAuthAccessToken.objects.get()
    assert found.credential == Credential(
        "oauth2",
        str(Consent.objects.get().uuid),
        row.expires,
        "Dashboard",
        client=client.row.client_id,
        token=row.pk,
        identity_scopes=frozenset({"openid"}),
    )


def test_the_token_of_an_organizations_machine_is_good_there_alone(cast: Cast) -> None:
    made, acme = make_client("services:read", owner=cast.acme), str(cast.acme.uuid)
    found = use(machine_token(made))
    row, client = OAuthAccessToken.objects.get(), made.row
    credential = Credential(
        "oauth2", str(client.uuid), row.expires, "Dashboard", client=client.client_id, token=row.pk
    )
    assert found == Principal(
        subject=acme,
        label="Acme",
        credential=credential,
        within={cast.acme.pk: profiles.active().power_of_scopes(frozenset({"services:read"}))},
        organization_id=cast.acme.pk,
        organization=acme,
        places={cast.acme.pk: Place(acme)},
    )
