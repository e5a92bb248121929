"""Login tokens signed with key pairs: others verify them with our published keys and cannot make any."""

from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from msgspec.structs import replace

from access.callers import caller_at_command_line
from accounts.signing import keys as signing
from accounts.signing.services import rotate_signing_key
from config import profiles
from config.profiles import Profile
from config.secrets import key_pairs
from config.secrets.key_pairs import ALGORITHMS, Algorithm, KeyPair
from config.wire.errors import DomainError
from tests.accounts.helpers import claims_of, serving, sign, with_token
from tests.accounts.sessions.test_tokens import refused
from tests.conftest import Api, Cast, assert_problem, log_in
from tests.oauth.flow import Flow, gateway, make_client, verified

JWKS = "/.well-known/jwks.json"


@pytest.fixture(params=ALGORITHMS)
def algorithm(request: pytest.FixtureRequest) -> Iterator[Algorithm]:
    """What login tokens are signed with until the test ends."""
    with serving("login", token_algorithm=request.param):
        yield request.param


@pytest.fixture
def key(algorithm: Algorithm) -> KeyPair:
    return signing.keys_for(algorithm)[0]


def forged(claims: dict[str, Any], key: KeyPair, alg: str = "", **head: Any) -> str:
    """A token with these claims and header members, under a private key."""
    return jwt.encode(claims, key.private, alg or key.algorithm, headers={"kid": key.kid} | head)


def verified_elsewhere(token: str) -> dict[str, Any]:
    """The claims, as another service reads them: it knows the issuer, and gets the keys from there."""
    return verified(token, audience=settings.PUBLIC_URL)


def test_another_service_verifies_them_without_asking(algorithm: Algorithm, cast: Cast) -> None:
    token = log_in(cast.alice)["access_token"]
    assert jwt.get_unverified_header(token)["alg"] == algorithm
    claims = verified_elsewhere(token)
    assert (claims["sub"], claims["token_type"]) == (str(cast.alice.uuid), "access")
    assert with_token(token).get("auth/me").status_code == 200
    assert gateway(token) == 200


def test_refresh_tokens_are_for_us_alone(algorithm: Algorithm, cast: Cast) -> None:
    pair = log_in(cast.alice)
    assert jwt.get_unverified_header(pair["refresh_token"]) == {"alg": "HS256", "typ": "JWT"}
    refused(pair["refresh_token"])
    for wrong in (
        pair["access_token"],
        forged(claims_of(pair["refresh_token"]), signing.keys_for(algorithm)[0]),
    ):
        assert_problem(Api().post("auth/refresh", {"refresh_token": wrong}), 401, "invalid_token")
    newer = Api().post("auth/refresh", {"refresh_token": pair["refresh_token"]}).json()
    assert verified_elsewhere(newer["access_token"])["sid"] == claims_of(pair["access_token"])["sid"]


@pytest.mark.requirement(26)
def test_a_public_key_is_no_secret_to_sign_with(key: KeyPair, cast: Cast) -> None:
    claims, public = claims_of(log_in(cast.alice)["access_token"]), key.private.public_key()
    assert with_token(forged(claims, key)).get("auth/me").status_code == 200
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for secret in (pem, pem.strip(), str(key.public), key.kid, settings.JWT_SIGNING_KEY):
        refused(sign(claims, key=secret, kid=key.kid))
        refused(sign(claims, key=secret))
        refused(sign(claims, key=secret, kid=key.kid, alg=key.algorithm))
    for name in ("none", "None", ""):
        refused(sign(claims, alg=name, kid=key.kid).rpartition(".")[0] + ".")


@pytest.mark.requirement(26)
def test_a_good_key_with_another_algorithm_is_refused(key: KeyPair, cast: Cast) -> None:
    claims = claims_of(log_in(cast.alice)["access_token"])
    for other in ALGORITHMS:
        if other != key.algorithm:
            refused(forged(claims, signing.keys_for(other)[0]))
    if key.algorithm == "RS256":
        for alg in ("RS384", "RS512", "PS256"):
            refused(forged(claims, key, alg))


@pytest.mark.requirement(27)
def test_keys_of_the_senders_choice_are_refused(key: KeyPair, cast: Cast) -> None:
    claims = claims_of(log_in(cast.alice)["access_token"])
    theirs = key_pairs.from_pem(key_pairs.new_pem(key.algorithm))
    refused(forged(claims, theirs))
    refused(forged(claims, theirs, kid=key.kid))
    refused(forged(claims, theirs, kid=key.kid, jwk=theirs.public))
    for more in ({"jwk": key.public}, {"jku": f"{settings.PUBLIC_URL}{JWKS}"}, {"x5u": "https://x.example/"}):
        refused(forged(claims, key, **more))
    for kid in ("", "../signing_key_RS256_0001", "0", key.kid.swapcase()):
        refused(forged(claims, key, kid=kid))
    refused(jwt.encode(claims, key.private, key.algorithm))  # no kid


@pytest.mark.requirement(30)
def test_an_id_token_is_no_login_though_the_same_key_signed_it(key: KeyPair, cast: Cast) -> None:
    flow = Flow(make_client("openid"), cast.alice, scope="openid")
    with serving("oauth2", id_token_algorithm=key.algorithm):
        id_token = flow.tokens()["id_token"]
    assert jwt.get_unverified_header(id_token)["kid"] == key.kid
    refused(id_token)
    claims = claims_of(log_in(cast.alice)["access_token"])
    for member in ("aud", "iss"):
        refused(forged(claims | {member: "https://elsewhere.example"}, key))
    refused(forged(claims | {"exp": 1}, key))
    refused(forged(claims | {"token_type": "refresh"}, key))


def test_a_token_under_the_key_before_stays_good_until_that_goes(algorithm: Algorithm, cast: Cast) -> None:
    before = log_in(cast.alice)["access_token"]
    made = rotate_signing_key(caller=caller_at_command_line(), algorithm=algorithm)
    after = log_in(cast.alice)["access_token"]
    assert jwt.get_unverified_header(after)["kid"] == made.kid != jwt.get_unverified_header(before)["kid"]
    for token in (before, after):
        assert with_token(token).get("auth/me").status_code == 200
        assert verified_elsewhere(token)["sub"] == str(cast.alice.uuid)
    for file in sorted(settings.DATA_DIR.glob(f"signing_key_{algorithm}_*"))[:-1]:
        file.unlink()
    refused(before)
    assert with_token(after).get("auth/me").status_code == 200


def test_another_algorithm_in_the_profile_ends_access_tokens_and_no_session(cast: Cast) -> None:
    with serving("login", token_algorithm="ES256"):
        es256 = log_in(cast.alice)
    hs256 = log_in(cast.alice)
    with serving("login", token_algorithm="EdDSA"):
        for pair in (es256, hs256):
            refused(pair["access_token"])
            newer = Api().post("auth/refresh", {"refresh_token": pair["refresh_token"]}).json()
            assert jwt.get_unverified_header(newer["access_token"])["alg"] == "EdDSA"
            assert with_token(newer["access_token"]).get("auth/me").status_code == 200


def test_the_keys_are_published_without_oauth2_too(
    algorithm: Algorithm, cast: Cast, served_profile: Callable[[Profile], None]
) -> None:
    served_profile(Profile("test", replace(profiles.active().file, oauth2=None)))
    assert verified_elsewhere(log_in(cast.alice)["access_token"])["sub"] == str(cast.alice.uuid)
    assert_problem(Api().get("/.well-known/openid-configuration"), 404)


def test_a_key_needs_an_algorithm_if_the_profile_has_two(db: None) -> None:
    operator = caller_at_command_line()
    with serving("login", token_algorithm="EdDSA"):
        with pytest.raises(DomainError, match="this profile signs with: RS256, EdDSA"):
            rotate_signing_key(caller=operator)
        assert rotate_signing_key(caller=operator, algorithm="EdDSA").algorithm == "EdDSA"
    with serving("login", token_algorithm="RS256"):
        assert rotate_signing_key(caller=operator).algorithm == "RS256"


def test_a_session_that_has_ended_ends_them_here_at_once(algorithm: Algorithm, cast: Cast) -> None:
    api = with_token(log_in(cast.alice)["access_token"])
    assert api.post("auth/logout").status_code in {200, 204}
    assert_problem(api.get("auth/me"), 401, "invalid_token")
