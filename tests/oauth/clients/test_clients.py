"""Clients: who may register them, how they say who they are, and what a wrong secret gets."""

import base64
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from access.principals import Caller
from config.wire.errors import Invalid
from oauth.services.clients import create_client
from tests.conftest import Cast, make_key
from tests.oauth.flow import BASE, CALLBACK, FORM, Flow, machine_token, make_client, post


def basic(user: str, secret: str) -> dict[str, str]:
    text = f"{quote(user, safe='')}:{quote(secret, safe='')}"
    return {"Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}


BODIES = {
    "token": "grant_type=client_credentials",
    "revoke": "token=oat_x",
    "introspect": "token=oat_x",
}


@pytest.mark.parametrize("endpoint", BODIES)
@pytest.mark.requirement(72)
def test_a_wrong_secret_is_401_everywhere(endpoint: str, cast: Cast) -> None:
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
def test_a_client_that_authenticates_twice_is_refused(endpoint: str, cast: Cast) -> None:
    client = make_client("services:read", owner=cast.acme)
    headers = basic(client.row.client_id, client.secret)
    body = f"{BODIES[endpoint]}&client_id={client.row.client_id}"
    twice = f"{body}&client_secret={client.secret}"
    answer = Client().post(f"{BASE}/{endpoint}", twice, content_type=FORM, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert "header or in the body" in answer.json()["error_description"]
    assert Client().post(f"{BASE}/{endpoint}", body, content_type=FORM, headers=headers).status_code == 200


@pytest.mark.parametrize("header", ["Basic", "Basic x", "Basic é", "Basic " + "A" * 5000, "Basic Og=="])
@pytest.mark.requirement(72)
def test_a_client_with_a_malformed_header_is_refused(header: str, cast: Cast) -> None:
    headers = {"Authorization": header.encode().decode("latin-1")}
    sender = Client(raise_request_exception=False)
    for endpoint, body in BODIES.items():
        answer = sender.post(f"{BASE}/{endpoint}", body, content_type=FORM, headers=headers)
        assert answer.status_code == 401


@pytest.mark.parametrize("encoding", ["foo", "hex", "rot13", "utf-16"])
@pytest.mark.parametrize("endpoint", BODIES)
@pytest.mark.requirement(72)
def test_the_header_is_read_as_utf_8_whatever_the_body_says(endpoint: str, encoding: str, cast: Cast) -> None:
    client = make_client("services:read", owner=cast.acme)
    sender, body = Client(raise_request_exception=False), f"{BODIES[endpoint]}&encoding={encoding}"
    for secret, status in (("x", 401), (client.secret, 200)):
        headers = basic(client.row.client_id, secret)
        answer = sender.post(f"{BASE}/{endpoint}", body, content_type=FORM, headers=headers)
        assert answer.status_code == status


@pytest.mark.requirement(72)
def test_a_public_client_needs_no_secret_and_has_no_more_rights_for_it(cast: Cast) -> None:
    flow = Flow(make_client(is_public=True), cast.alice)
    tokens = flow.tokens()
    assert flow.refresh(tokens["refresh_token"]).status_code == 200
    assert post("token", flow.client, grant_type="client_credentials").status_code in {400, 401}
    assert post("introspect", flow.client, token=tokens["access_token"]).status_code == 401


@pytest.mark.requirement(72)
def test_a_confidential_client_cannot_leave_the_secret_out(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    code = flow.code()
    assert flow.exchange(code, client_secret=None).status_code == 401
    assert flow.exchange(code).status_code == 200


def test_a_secret_in_the_address_is_refused(cast: Cast) -> None:
    client = make_client("services:read", owner=cast.acme)
    address = f"{BASE}/token?client_id={client.row.client_id}&client_secret={client.secret}"
    answer = Client().post(address, "grant_type=client_credentials", content_type=FORM)
    assert answer.status_code == 400


@pytest.mark.requirement(72)
def test_the_secret_is_stored_as_a_peppered_digest_and_follows_the_peppers(settings: Any, cast: Cast) -> None:
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


def test_a_redirect_address_that_is_too_long_is_not_repeated_in_the_error(
    cast: Cast, operator: Caller
) -> None:
    long = f"ftp://app.example.org/{make_key(cast.alice).text}{'x' * 2000}"
    with pytest.raises(Invalid) as refused:
        create_client(caller=operator, name="x", scopes=["services:read"], redirect_uris=[long])
    assert refused.value.errors == {"redirect_uris": "must have at most 2000 characters"}


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
