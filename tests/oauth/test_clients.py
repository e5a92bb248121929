"""Clients: who may register them, how they say who they are, and what a wrong secret gets."""

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from msgspec.structs import replace

from access.principals import Caller
from accounts.models import User
from audit.events import EventName
from audit.models import Event
from config import profiles
from config.profiles import Profile
from config.wire.errors import Invalid, NotAllowed
from oauth.models import Consent, OAuthClient
from oauth.services.clients import create_client, delete_clients, replace_secret, update_client
from tests.accounts.helpers import caller_as
from tests.admin.helpers import browser, confirm, messages_of, text_of
from tests.conftest import Cast, add_user, with_roles
from tests.oauth.flow import BASE, CALLBACK, FORM, Flow, gateway, machine_token, make_client, post


def basic(user: str, secret: str) -> dict[str, str]:
    text = f"{quote(user, safe='')}:{quote(secret, safe='')}"
    return {"Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}


BODIES = {
    "token": "grant_type=client_credentials",
    "revoke": "token=oat_x",
    "introspect": "token=oat_x",
}


@pytest.mark.parametrize("endpoint", BODIES)
def test_row_72_a_wrong_secret_is_401_everywhere(endpoint: str, cast: Cast) -> None:
    client = make_client("services:read", owner=cast.acme)
    name, right = client.row.client_id, client.secret
    other = make_client("services:read", owner=cast.acme).secret
    sender = Client(raise_request_exception=False)
    body = BODIES[endpoint]
    for secret in (
        "",
        "x",
        right[:-1],
        right.upper(),
        f"{right} ",
        other,
        client.row.client_secret,
        "\0",
        "é",
    ):
        for headers, more in (
            (basic(name, secret), ""),
            ({}, f"&client_id={name}&client_secret={quote(secret)}"),
            (basic(name, secret), f"&client_id={name}&client_secret={right}"),  # one of two is wrong
        ):
            answer = sender.post(f"{BASE}/{endpoint}", body + more, content_type=FORM, headers=headers)
            assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), (secret, more)
            assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    for headers, more in ((basic(name, right), ""), ({}, f"&client_id={name}&client_secret={right}")):
        answer = sender.post(f"{BASE}/{endpoint}", body + more, content_type=FORM, headers=headers)
        assert answer.status_code == 200


@pytest.mark.parametrize("endpoint", BODIES)
def test_a_client_that_says_twice_who_it_is_is_refused(endpoint: str, cast: Cast) -> None:
    client = make_client("services:read", owner=cast.acme)
    headers = basic(client.row.client_id, client.secret)
    body = f"{BODIES[endpoint]}&client_id={client.row.client_id}"
    twice = f"{body}&client_secret={client.secret}"
    answer = Client().post(f"{BASE}/{endpoint}", twice, content_type=FORM, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert "header or in the body" in answer.json()["error_description"]
    assert Client().post(f"{BASE}/{endpoint}", body, content_type=FORM, headers=headers).status_code == 200


@pytest.mark.parametrize("header", ["Basic", "Basic x", "Basic é", "Basic " + "A" * 5000, "Basic Og=="])
def test_row_72_so_is_a_malformed_header(header: str, cast: Cast) -> None:
    headers = {"Authorization": header.encode().decode("latin-1")}
    sender = Client(raise_request_exception=False)
    for endpoint, body in BODIES.items():
        answer = sender.post(f"{BASE}/{endpoint}", body, content_type=FORM, headers=headers)
        assert answer.status_code == 401


@pytest.mark.parametrize("encoding", ["foo", "hex", "rot13", "utf-16"])
@pytest.mark.parametrize("endpoint", BODIES)
def test_row_72_the_header_is_read_as_utf_8_whatever_the_body_says(
    endpoint: str, encoding: str, cast: Cast
) -> None:
    client = make_client("services:read", owner=cast.acme)
    sender, body = Client(raise_request_exception=False), f"{BODIES[endpoint]}&encoding={encoding}"
    for secret, status in (("x", 401), (client.secret, 200)):
        headers = basic(client.row.client_id, secret)
        answer = sender.post(f"{BASE}/{endpoint}", body, content_type=FORM, headers=headers)
        assert answer.status_code == status


def test_row_72_a_public_client_needs_no_secret_and_has_no_more_rights_for_it(cast: Cast) -> None:
    flow = Flow(make_client(is_public=True), cast.alice)
    tokens = flow.tokens()
    assert flow.refresh(tokens["refresh_token"]).status_code == 200
    assert post("token", flow.client, grant_type="client_credentials").status_code in {400, 401}
    assert post("introspect", flow.client, token=tokens["access_token"]).status_code == 401


def test_row_72_a_confidential_client_cannot_leave_the_secret_out(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    code = flow.code()
    assert flow.exchange(code, client_secret=None).status_code == 401
    assert flow.exchange(code).status_code == 200


def test_a_secret_in_the_address_is_refused(cast: Cast) -> None:
    client = make_client("services:read", owner=cast.acme)
    address = f"{BASE}/token?client_id={client.row.client_id}&client_secret={client.secret}"
    answer = Client().post(address, "grant_type=client_credentials", content_type=FORM)
    assert answer.status_code == 400


def test_row_72_the_secret_is_stored_as_a_peppered_digest_and_follows_the_peppers(
    settings: Any, cast: Cast
) -> None:
    client = make_client("services:read", owner=cast.acme)
    assert len(client.row.client_secret) == 64 and client.secret not in repr(client)
    settings.PEPPERS = settings.PEPPERS | {9999: bytes(range(32))}
    machine_token(client)
    settings.PEPPERS = {9999: bytes(range(32))}
    assert post("token", client, grant_type="client_credentials").status_code == 401


@pytest.mark.parametrize(
    "uri",
    [
        "http://app.example.org/callback",
        "https://*.example.org/callback",
        "https://app.example.org/#fragment",
        "https://user@app.example.org/",
        "https://app.example.org/a b",
        "javascript:alert(1)",
        "com.example.app:/callback",
        "data:text/html,x",
        "//app.example.org",
        "/callback",
        "https://",
        "https://app.example.org:port/",
        "https://app.example.org/\n",
        "",
        "https://app.example.org/" + "x" * 2000,
    ],
)
def test_addresses_that_are_not_safe_are_refused(uri: str, operator: Caller, db: None) -> None:
    with pytest.raises(Invalid) as refused:
        create_client(caller=operator, name="x", scopes=["services:read"], redirect_uris=[uri])
    assert "redirect_uris" in refused.value.errors


@pytest.mark.parametrize("uri", ["http://127.0.0.1:8765/back", "http://[::1]/back", "http://localhost/back"])
def test_programs_on_the_persons_own_machine_have_plain_addresses(uri: str, cast: Cast) -> None:
    flow = Flow(make_client(redirect_uris=[uri], is_public=True), cast.alice)
    code = flow.code(redirect_uri=uri)
    assert flow.exchange(code, redirect_uri=uri).status_code == 200


@pytest.mark.parametrize(
    ("members", "member"),
    [
        ({"scopes": ["nonesuch"]}, "scopes"),
        ({"scopes": []}, "scopes"),
        ({"redirect_uris": []}, "redirect_uris"),
        ({"name": " "}, "name"),
        ({"name": "a\x1bb"}, "name"),
    ],
)
def test_a_malformed_client_is_refused_by_name(
    members: dict[str, Any], member: str, operator: Caller, db: None
) -> None:
    good = {"name": "x", "scopes": ["services:read"], "redirect_uris": [CALLBACK]}
    with pytest.raises(Invalid) as refused:
        create_client(caller=operator, **good | members)
    assert member in refused.value.errors


def test_a_machine_has_no_address_no_identity_and_a_secret(cast: Cast, operator: Caller) -> None:
    good: dict[str, Any] = {"name": "x", "scopes": ["services:read"], "owner": cast.acme}
    wrong: list[dict[str, Any]] = [{"redirect_uris": [CALLBACK]}, {"scopes": ["openid"]}, {"is_public": True}]
    for members in wrong:
        with pytest.raises(Invalid):
            create_client(caller=operator, **good | members)


def test_row_74_nobody_registers_a_client_that_could_get_more_than_they_have(cast: Cast) -> None:
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


def test_row_74_nobody_takes_a_client_over_that_gets_more_than_they_have(cast: Cast, keeper: User) -> None:
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
    elsewhere = {"redirect_uris": ["https://evil.example.org/"]}
    with pytest.raises(NotAllowed):
        update_client(caller=caller_as(keeper), client=of_people, changes=elsewhere)
    update_client(caller=caller_as(keeper), client=of_people, changes={"name": "Board"})
    of_people.refresh_from_db()
    assert (of_people.name, of_people.redirect_uris) == ("Board", CALLBACK)


def test_row_74_nor_in_the_admin(cast: Cast, keeper: User) -> None:
    row = make_client("keys:write", owner=cast.ada).row
    answer = confirm(browser(keeper), "accounts_oauthclient", "replace_secret", row)
    assert messages_of(answer) == ["ada may do more than you."]
    assert "ocs_" not in answer.content.decode()
    assert row.client_secret == OAuthClient.objects.get().client_secret


def test_whoever_holds_what_a_client_gets_may_replace_its_secret_and_its_address(
    cast: Cast, keeper: User
) -> None:
    row = make_client("keys:read", "openid").row
    there = f"{CALLBACK}2"
    update_client(caller=caller_as(keeper), client=row, changes={"redirect_uris": [there]})
    assert replace_secret(caller=caller_as(keeper), client=row).row.redirect_uris == there
    machine = make_client("keys:write", owner=cast.acme).row
    answer = confirm(browser(keeper), "accounts_oauthclient", "replace_secret", machine)
    assert "ocs_" in answer.content.decode()


def test_a_client_is_changed_and_gets_another_secret_and_goes(cast: Cast) -> None:
    ada = caller_as(cast.ada)
    flow = Flow(make_client(), cast.alice)
    tokens = flow.tokens()
    update_client(caller=ada, client=flow.client.row, changes={"name": "Board", "redirect_uris": [CALLBACK]})
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
    with pytest.raises(Invalid):
        update_client(caller=ada, client=newer.row, changes={"client_secret": "x"})


def test_only_those_who_manage_keys_change_clients(cast: Cast) -> None:
    row = make_client().row
    for work in (
        lambda: update_client(caller=caller_as(cast.alice), client=row, changes={"name": "x"}),
        lambda: replace_secret(caller=caller_as(cast.alice), client=row),
        lambda: delete_clients(caller=caller_as(cast.alice), selected=[row]),
    ):
        with pytest.raises(NotAllowed):
            work()


def test_who_may_not_see_people_is_offered_none_as_owners_of_clients(cast: Cast, keeper: User) -> None:
    pages, address = browser(keeper), "/admin/accounts/oauthclient/add/"
    shown = text_of(pages.get(address))
    assert [name for name in (">keeper", ">alice", ">ada", ">Umbrella") if name in shown] == [">keeper"]
    sent = {"name": "M", "scopes": ["keys:write"], "user": cast.ada.pk}
    assert "Select a valid choice" in text_of(pages.post(address, sent))
