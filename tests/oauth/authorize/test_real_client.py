"""Authlib, as an application uses it, against real servers."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session

from tests.installation import ADMIN, Installation, Server, free_port
from tests.oauth.visitor import allow

pytestmark = [pytest.mark.once, pytest.mark.slow]

CALLBACK = "http://127.0.0.1:8765/callback"
PERSON = {"identifier": "admin", "password": ADMIN["KEYHOUSE_ADMIN_PASSWORD"]}


@pytest.fixture(scope="module")
def server(module_installation: Installation) -> Iterator[Server]:
    """A server whose public address is the one that it listens on."""
    module_installation.settings["KEYHOUSE_BIND"] = f"127.0.0.1:{free_port()}"
    bind = module_installation.settings["KEYHOUSE_BIND"]
    with module_installation.serve("--bind", bind, "--workers", "2", EMAIL_URL="dummymail://") as running:
        running.port = int(bind.rpartition(":")[2])
        yield running


def registered(installation: Installation, *arguments: str) -> dict[str, Any]:
    made: dict[str, Any] = installation.manage_json("createoauthclient", "--name", "Dashboard", *arguments)
    return made


def discovered(server: Server) -> dict[str, Any]:
    answer = requests.get(f"http://127.0.0.1:{server.port}/.well-known/openid-configuration", timeout=30)
    metadata: dict[str, Any] = answer.json()
    assert metadata["issuer"] == f"http://127.0.0.1:{server.port}"
    return metadata


def check_id_token(metadata: dict[str, Any], token: dict[str, Any], client_id: str, nonce: str) -> None:
    key = jwt.PyJWKClient(metadata["jwks_uri"]).get_signing_key_from_jwt(token["id_token"])
    claims = jwt.decode(
        token["id_token"], key, algorithms=["RS256"], audience=client_id, issuer=metadata["issuer"]
    )
    assert (claims["nonce"], claims["preferred_username"]) == (nonce, "admin")


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
def test_the_whole_way_with_authlib(method: str, module_installation: Installation, server: Server) -> None:
    metadata = discovered(server)
    scopes = ("services:read", "openid", "profile")
    arguments = [word for scope in scopes for word in ("--scope", scope)]
    public = ["--public"] if method == "none" else []
    made = registered(module_installation, "--redirect-uri", CALLBACK, *arguments, *public)
    client = OAuth2Session(
        made["client_id"],
        made["client_secret"],
        token_endpoint_auth_method=method,
        scope=" ".join(scopes),
        redirect_uri=CALLBACK,
        code_challenge_method="S256",
    )
    verifier, nonce = generate_token(48), generate_token()
    address, _ = client.create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce
    )
    sent_to = allow(address, **PERSON)
    assert urlsplit(sent_to).path == "/callback"
    endpoint = metadata["token_endpoint"]
    token = client.fetch_token(endpoint, authorization_response=sent_to, code_verifier=verifier)
    check_id_token(metadata, token, made["client_id"], nonce)
    assert client.get(metadata["userinfo_endpoint"]).json()["preferred_username"] == "admin"
    asked = {"X-Original-Method": "GET", "X-Original-URI": "/services/stock/items"}
    check = f"{metadata['issuer']}/gateway/check"
    assert client.get(check, headers=asked).status_code == 200
    old = dict(token)
    newer = client.refresh_token(endpoint, refresh_token=token["refresh_token"])
    assert newer["refresh_token"] != old["refresh_token"]
    assert client.get(check, headers=asked).status_code == 200
    if method != "none":
        said = client.introspect_token(metadata["introspection_endpoint"], token=newer["access_token"])
        assert said.json()["active"] is True
    assert (
        client.revoke_token(metadata["revocation_endpoint"], token=newer["refresh_token"]).status_code == 200
    )
    # Every worker knows it at once.
    dead = {"Authorization": f"Bearer {newer['access_token']}", **asked}
    assert {requests.get(check, headers=dead, timeout=30).status_code for _ in range(20)} == {401}


def test_a_machine_with_authlib(module_installation: Installation, server: Server) -> None:
    metadata = discovered(server)
    made = registered(module_installation, "--organization", "Default", "--scope", "services:read")
    client = OAuth2Session(made["client_id"], made["client_secret"])
    token = client.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
    assert token["scope"] == "services:read"
    asked = {"X-Original-Method": "GET", "X-Original-URI": "/services/stock/items"}
    answer = client.get(f"{metadata['issuer']}/gateway/check", headers=asked)
    assert answer.headers["X-Auth-Scopes"] == "services:read"
    assert answer.headers["X-Auth-Credential"].startswith("oauth2:")


def test_rotating_the_signing_key_needs_no_restart(module_installation: Installation, server: Server) -> None:
    keys = f"http://127.0.0.1:{server.port}/.well-known/jwks.json"
    before = [key["kid"] for key in requests.get(keys, timeout=30).json()["keys"]]
    made = module_installation.manage_json("rotatesigningkey")
    for _ in range(6):
        assert [key["kid"] for key in requests.get(keys, timeout=30).json()["keys"]] == [made["kid"], *before]
