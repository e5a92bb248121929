"""Attacks on the login tokens: each is a 401, and nothing is fetched on the token's word."""

import socket
import time
from typing import Any

import pytest
from django.conf import settings

from accounts.sessions import tokens
from config import settings as real_settings
from tests.accounts.helpers import claims_of, encoded, sign, unpadded, with_token
from tests.conftest import Api, Cast, assert_problem, log_in

Claims = dict[str, Any]


@pytest.fixture
def claims(cast: Cast) -> Claims:
    """What is in a good access token of alice."""
    return claims_of(log_in(cast.alice)["access_token"])


def refused(token: str) -> None:
    answer = with_token(token).get("auth/me")
    assert_problem(answer, 401, "invalid_token")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_a_token_signed_as_ours_with_these_claims_is_good(claims: Claims) -> None:
    assert with_token(sign(claims)).get("auth/me").status_code == 200


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", ""])
@pytest.mark.requirement(26)
def test_an_unsigned_token_is_refused(claims: Claims, algorithm: str) -> None:
    token = sign(claims, alg=algorithm)
    refused(token)
    refused(token.rpartition(".")[0] + ".")


@pytest.mark.parametrize(("algorithm", "digest"), [("HS384", "sha384"), ("HS512", "sha512")])
@pytest.mark.requirement(26)
def test_another_algorithm_with_the_same_key_is_refused(claims: Claims, algorithm: str, digest: str) -> None:
    refused(sign(claims, alg=algorithm, digest=digest))


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "PS256", "EdDSA", "HS256 ", "hs256"])
@pytest.mark.requirement(26)
def test_an_algorithm_of_the_senders_choice_is_refused(claims: Claims, algorithm: str) -> None:
    refused(sign(claims, alg=algorithm))


@pytest.mark.parametrize("key", ["", "secret", "0" * 64, "\0" * 32])
@pytest.mark.requirement(26)
def test_a_token_signed_with_another_secret_is_refused(claims: Claims, key: str) -> None:
    refused(sign(claims, key=key))


@pytest.mark.requirement(26)
def test_a_token_with_another_body_under_its_signature_is_refused(cast: Cast, claims: Claims) -> None:
    head, _, signature = sign(claims).split(".")
    refused(f"{head}.{encoded(claims | {'sub': str(cast.ada.uuid)})}.{signature}")


@pytest.mark.parametrize("member", ["jku", "x5u", "jwk", "x5c", "kid"])
@pytest.mark.requirement(27)
def test_a_header_that_says_where_the_key_is_gets_a_401_and_no_call(claims: Claims, member: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/keys"
        jwk = {"kty": "oct", "k": unpadded(settings.JWT_SIGNING_KEY.encode())}
        value: Any = {"jwk": jwk, "x5c": [address]}.get(member, address)
        refused(sign(claims, **{member: value}))
        with pytest.raises(BlockingIOError):
            listener.accept()


@pytest.mark.parametrize("kid", ["../../../../dev/null", "' OR 1=1 --", "0"])
@pytest.mark.requirement(27)
def test_an_odd_key_id_is_refused(claims: Claims, kid: str) -> None:
    refused(sign(claims, kid=kid))


@pytest.mark.parametrize(
    "times",
    [
        {"exp": 0},
        {"exp": -1},
        {"exp": int(time.time()) - 1},
        {"nbf": int(time.time()) + 3600},
        {"iat": int(time.time()) + 3600},
        {"exp": "soon"},
        {"exp": None},
        {"exp": 10**30},
        {"exp": float("inf")},
        {"nbf": "now"},
    ],
)
@pytest.mark.requirement(28)
def test_a_token_outside_of_its_time_is_refused(claims: Claims, times: Claims) -> None:
    refused(sign(claims | times))


@pytest.mark.parametrize("member", ["exp", "jti", "token_type", "sid", "sub"])
@pytest.mark.requirement(28)
def test_a_token_without_a_member_that_it_needs_is_refused(claims: Claims, member: str) -> None:
    refused(sign({name: value for name, value in claims.items() if name != member}))


@pytest.mark.requirement(29)
def test_a_refresh_token_is_no_bearer_token(cast: Cast) -> None:
    refused(log_in(cast.alice)["refresh_token"])


@pytest.mark.requirement(29)
def test_an_access_token_is_no_refresh_token(cast: Cast) -> None:
    token = log_in(cast.alice)["access_token"]
    assert_problem(Api().post("auth/refresh", {"refresh_token": token}), 401, "invalid_token")
    assert with_token(token).get("auth/me").status_code == 200


@pytest.mark.parametrize("kind", ["reset", "", None, ["access"], {"access": 1}])
@pytest.mark.requirement(29)
def test_a_token_of_another_kind_is_refused(claims: Claims, kind: Any) -> None:
    refused(sign(claims | {"token_type": kind}))


@pytest.mark.parametrize("member", ["aud", "iss"])
@pytest.mark.parametrize("value", ["https://elsewhere.example", "", None, [], {}, 5])
@pytest.mark.requirement(30)
def test_a_token_of_another_issuer_or_for_others_is_refused(claims: Claims, member: str, value: Any) -> None:
    refused(sign(claims | {member: value}))


@pytest.mark.parametrize("member", ["aud", "iss"])
@pytest.mark.requirement(30)
def test_a_token_without_issuer_or_audience_is_refused(claims: Claims, member: str) -> None:
    del claims[member]
    refused(sign(claims))


@pytest.mark.parametrize("value", ["00000000-0000-4000-8000-000000000000", "x", "", None, 5, [], {"a": 1}])
@pytest.mark.parametrize("member", ["sid", "sub"])
def test_a_token_of_no_session_or_of_nobody_is_refused(claims: Claims, member: str, value: Any) -> None:
    refused(sign(claims | {member: value}))


def test_a_token_that_puts_one_person_into_the_session_of_another_is_refused(
    cast: Cast, claims: Claims
) -> None:
    refused(sign(claims | {"sub": str(cast.ada.uuid)}))


@pytest.mark.requirement(31)
def test_a_token_with_critical_extensions_is_refused(claims: Claims) -> None:
    for critical in (["b64"], ["http://example.org/unknown"], [], "exp"):
        refused(sign(claims, crit=critical, b64=True))


@pytest.mark.requirement(31)
def test_the_signing_key_has_256_random_bits_and_is_not_the_secret_key() -> None:
    key = real_settings.JWT_SIGNING_KEY
    assert len(bytes.fromhex(key)) * 8 >= 256
    assert real_settings.SECRET_KEY not in key
    assert real_settings.SIMPLE_JWT["ALGORITHM"] == "HS256"


@pytest.mark.parametrize(
    "text",
    ["x", "x.y", "x.y.z", "...", f"{encoded(['alg'])}.e30.e30", f"{encoded({'alg': ['HS256']})}.e30.e30"],
)
def test_what_is_no_token_at_all_is_refused(db: None, text: str) -> None:
    refused(text)
    assert_problem(Api().post("auth/refresh", {"refresh_token": text}), 401, "invalid_token")


def test_a_deeply_nested_or_overlong_token_is_refused(cast: Cast, claims: Claims) -> None:
    deep = unpadded(b"[" * 3000)
    refused(f"{deep}.e30.e30e")
    refused(sign(claims | {"padding": "x" * tokens.LONGEST}))


def test_tokens_hold_nothing_but_references(claims: Claims) -> None:
    assert set(claims) == {"token_type", "exp", "iat", "jti", "sub", "sid", "aud", "iss"}
