"""Introspection and revocation by clients (RFC 7662, RFC 7009), and what the server says of itself."""

from urllib.parse import urlencode

import jwt
import pytest
from django.conf import settings
from django.test import Client

from access.callers import caller_at_command_line
from accounts.signing import keys as signing
from accounts.signing.services import rotate_signing_key
from accounts.users.changes import UserChanges
from accounts.users.services import update_user
from apikeys.models import ApiKey
from apikeys.usage import counting
from audit.events import EventName
from audit.models import Event
from config.secrets.key_pairs import ALGORITHMS
from oauth.changes import ClientChanges
from oauth.services.clients import update_client
from tests.accounts.helpers import caller_as, serving
from tests.conftest import Cast, make_key
from tests.oauth.clients.test_clients import basic
from tests.oauth.flow import BASE, FORM, Flow, gateway, machine_token, make_client, post, verified
from tests.oauth.tokens.test_codes import refused


@pytest.mark.requirement(75)
def test_introspection_needs_authentication(cast: Cast) -> None:
    token = Flow(make_client(), cast.alice).tokens()["access_token"]
    refused(post("introspect", None, token=token), "invalid_client", 401)
    answer = Client().get(f"{BASE}/introspect")
    assert answer.status_code == 405


@pytest.mark.requirement(75)
def test_a_public_client_is_not_authenticated_by_naming_a_grant(cast: Cast) -> None:
    flow = Flow(make_client(is_public=True), cast.alice)
    token, device = flow.tokens()["access_token"], "urn:ietf:params:oauth:grant-type:device_code"
    refused(post("introspect", flow.client, token=token, grant_type=device), "invalid_client", 401)
    sent = urlencode({"token": token, "grant_type": device})
    headers = basic(flow.client.row.client_id, "")
    answer = Client().post(f"{BASE}/introspect", sent, content_type=FORM, headers=headers)
    refused(answer, "invalid_client", 401)


@pytest.mark.requirement(75)
def test_a_good_token_is_described(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    token = flow.tokens()["access_token"]
    said = post("introspect", flow.client, token=token).json()
    assert said.pop("exp") > 0 and said.pop("jti")
    assert said == {
        "active": True,
        "scope": "services:read",
        "token_type": "Bearer",
        "client_id": flow.client.row.client_id,
        "sub": str(cast.alice.uuid),
        "organization": str(cast.acme.uuid),
    }


@pytest.mark.requirement(112)
def test_a_client_learns_the_name_that_its_scopes_let_it_know(cast: Cast) -> None:
    client = make_client("openid", "profile", "email")
    tokens = [Flow(client, cast.alice, scope=f"openid {each}").tokens() for each in ("profile", "email")]

    def names() -> list[str | None]:
        told = [post("introspect", client, token=each["access_token"]).json() for each in tokens]
        return [each.get("username") for each in told]

    assert names() == ["alice", None]
    update_user(caller=caller_as(cast.ada), user=cast.alice, changes=UserChanges(username=None))
    assert names() == [None, cast.alice.email]


@pytest.mark.requirement(75)
def test_a_machine_learns_whose_its_own_token_is(cast: Cast) -> None:
    machine = make_client("services:read", owner=cast.acme)
    said = post("introspect", machine, token=machine_token(machine)["access_token"]).json()
    assert (said["username"], said["sub"]) == ("Acme", str(cast.acme.uuid))


@pytest.mark.requirement(75)
def test_what_is_not_active_is_exactly_that(cast: Cast) -> None:
    flow, stranger = Flow(make_client(), cast.alice), make_client()
    tokens = flow.tokens()
    key = make_key(cast.alice, "services:read").text
    for client, text in (
        *(
            (flow.client, text)
            for text in ("x", "oat_x", "\0", tokens["refresh_token"], flow.client.secret, key)
        ),
        (stranger, tokens["access_token"]),
    ):
        answer = post("introspect", client, token=text)
        assert (answer.status_code, answer.content) == (200, b'{"active":false}')
    assert post("introspect", flow.client).status_code == 400


@pytest.mark.requirement(75)
def test_a_machine_with_the_scope_asks_about_its_organization(cast: Cast) -> None:
    machine = make_client("introspect", owner=cast.acme)
    alice = Flow(make_client(), cast.alice).tokens()["access_token"]
    charlie = Flow(make_client(), cast.charlie).tokens()["access_token"]
    key = make_key(cast.acme, "services:read").text
    actives = [post("introspect", machine, token=text).json()["active"] for text in (alice, charlie, key)]
    assert actives == [True, False, True]


def test_a_client_that_asks_in_vain_about_a_key_does_not_use_it(cast: Cast) -> None:
    machine = make_client("introspect", owner=cast.acme)
    ours, theirs = make_key(cast.acme), make_key(cast.umbrella)
    for token in (ours.text, theirs.text):
        post("introspect", machine, token=token)
    counting.flush()
    assert [ApiKey.objects.get(pk=key.row.pk).use_count for key in (ours, theirs)] == [1, 0]


@pytest.mark.requirement(75)
def test_revoking_ends_the_tokens_of_the_consent(cast: Cast) -> None:
    for kind in ("access_token", "refresh_token"):
        flow = Flow(make_client(), cast.alice)
        tokens = flow.tokens()
        answer = post("revoke", flow.client, token=tokens[kind], token_type_hint="nonsense")
        assert (answer.status_code, answer.content) == (200, b"")
        assert gateway(tokens["access_token"]) == 401
        refused(flow.refresh(tokens["refresh_token"]))
    assert Event.objects.filter(name=EventName.OAUTH_TOKEN_REVOKED).count() == 2


@pytest.mark.requirement(75)
def test_revoking_what_is_not_ones_own_does_nothing_and_says_so_to_nobody(cast: Cast) -> None:
    flow, stranger = Flow(make_client(), cast.alice), make_client()
    tokens = flow.tokens()
    for text in ("x", "oat_x", "\0", tokens["access_token"], tokens["refresh_token"]):
        assert post("revoke", stranger, token=text).status_code == 200
    assert gateway(tokens["access_token"]) == 200
    assert post("revoke", flow.client).status_code == 400


@pytest.mark.requirement(75)
def test_a_machine_revokes_its_token(cast: Cast) -> None:
    client = make_client("services:read", owner=cast.acme)
    tokens = [machine_token(client)["access_token"] for _ in range(2)]
    assert post("revoke", client, token=tokens[0]).status_code == 200
    assert [gateway(token) for token in tokens] == [401, 200]


@pytest.mark.parametrize("place", ["oauth-authorization-server", "openid-configuration"])
@pytest.mark.requirement(76)
def test_the_metadata_is_exact_and_lists_s256_alone(place: str, db: None) -> None:
    answer = Client().get(f"/.well-known/{place}")
    said = answer.json()
    assert said["issuer"] == settings.PUBLIC_URL
    assert said["code_challenge_methods_supported"] == ["S256"]
    assert said["response_types_supported"] == ["code"]
    assert said["prompt_values_supported"] == ["consent", "login", "none", "select_account"]
    device = "urn:ietf:params:oauth:grant-type:device_code"
    grants = ["authorization_code", "client_credentials", "refresh_token", device]
    assert said["grant_types_supported"] == grants
    for name, address in said.items():
        if name.endswith(("_endpoint", "jwks_uri")):
            path = address.removeprefix(settings.PUBLIC_URL)
            assert Client(raise_request_exception=False).get(path).status_code != 404, name
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_id_tokens_say_who_it_is_as_far_as_the_scopes_go(cast: Cast) -> None:
    client = make_client("openid", "profile", "email")
    for scope, members in (
        ("openid", set()),
        ("openid profile", {"name", "preferred_username"}),
        ("openid email", {"email", "email_verified"}),
    ):
        flow = Flow(client, cast.alice, scope=scope, more={"nonce": "n-1"})
        tokens = flow.tokens()
        claims = verified(tokens["id_token"], audience=client.row.client_id)
        assert (claims["sub"], claims["nonce"]) == (str(cast.alice.uuid), "n-1")
        assert claims.keys() - {"iss", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "sub"} == members
        info = Client(headers={"Authorization": f"Bearer {tokens['access_token']}"}).get(f"{BASE}/userinfo")
        assert info.json() == {name: claims[name] for name in ("sub", *members)}


def test_a_rotated_key_signs_and_the_one_before_still_verifies(cast: Cast) -> None:
    flow, alice = Flow(make_client("openid"), cast.alice, scope="openid"), str(cast.alice.uuid)
    for algorithm in ALGORITHMS:
        with serving("oauth2", id_token_algorithm=algorithm):
            before = flow.tokens()
            key = rotate_signing_key(caller=caller_at_command_line())
            after = flow.tokens()
            heads = [jwt.get_unverified_header(each["id_token"]) for each in (before, after)]
            assert [head["alg"] for head in heads] == [algorithm] * 2
            assert heads[0]["kid"] != heads[1]["kid"] == key.kid
            for tokens in (before, after):
                assert verified(tokens["id_token"], audience=flow.client.row.client_id)["sub"] == alice
    assert Event.objects.filter(name=EventName.SIGNING_KEY_ROTATED).count() == 3


def test_private_keys_are_for_their_owner_alone_and_never_published(db: None) -> None:
    answer = Client().get("/.well-known/jwks.json").json()
    assert answer["keys"]
    assert not [key for key in answer["keys"] if {"d", "p", "q", "dp", "dq", "qi"} & key.keys()]
    files = list(settings.DATA_DIR.glob("signing_key_*"))
    assert files and [oct(path.stat().st_mode & 0o777) for path in files] == ["0o600"] * len(files)
    assert "private" not in repr(signing.keys_for("RS256")[0])


@pytest.mark.requirement(75)
def test_an_empty_scope_is_left_out(cast: Cast) -> None:
    flow, machine = Flow(make_client("openid", "services:read"), cast.alice), make_client(owner=cast.acme)
    tokens = flow.tokens()
    of_machine = machine_token(machine)["access_token"]
    operator = caller_at_command_line()
    update_client(caller=operator, client=flow.client.row, changes=ClientChanges(scopes=["openid"]))
    update_client(caller=operator, client=machine.row, changes=ClientChanges(scopes=["services:write"]))
    for client, token in ((flow.client, tokens["access_token"]), (machine, of_machine)):
        said = post("introspect", client, token=token).json()
        assert said["active"] is True and "scope" not in said
    again = flow.refresh(tokens["refresh_token"]).json()
    assert again["access_token"] and "scope" not in again
