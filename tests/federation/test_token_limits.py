"""Tokens of a provider: what just counts, and what just does not."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import Key, RSAKey

from federation.protocol import documents, id_tokens, logout_tokens
from federation.protocol.faults import ProviderFault, RefusedByProvider
from federation.protocol.id_tokens import Expected, Person
from tests.federation.fake import FakeProvider, key
from tests.federation.real import CLIENT

pytestmark = pytest.mark.once

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
CLIENT_ID = CLIENT["client_id"]

Read = Callable[..., Person]


def signed(claims: dict[str, Any], signer: Key, header: dict[str, Any]) -> str:
    return jwt.encode({"alg": "RS256", "kid": signer.kid, **header}, claims, signer)


@pytest.fixture
def read(fake: FakeProvider) -> Read:
    """Verify an ID token that was issued now, for a minute, with other claims."""

    def verify(signer: Key | None = None, header: dict[str, Any] | None = None, **changed: Any) -> Person:
        known = {"iss": fake.issuer, "sub": "alice", "aud": CLIENT_ID, "nonce": "a nonce"}
        claims = {**known, "iat": SECONDS, "exp": SECONDS + 60, **changed}
        return id_tokens.verified(
            signed(claims, signer or fake.keys[0], header or {}),
            documents.metadata_of(fake.issuer),
            Expected(CLIENT_ID, "RS256", "a nonce"),
            access_token="an access token",
            now=NOW,
        )

    return verify


@pytest.mark.parametrize(
    ("claim", "good", "bad"),
    [
        ("exp", SECONDS - 59, SECONDS - 60),
        ("nbf", SECONDS + 60, SECONDS + 61),
        ("iat", SECONDS + 60, SECONDS + 61),
        ("iat", SECONDS - 660, SECONDS - 661),
        ("auth_time", 0, -1),
        ("auth_time", 2**33, 2**33 + 1),
        ("sub", "x" * 255, "x" * 256),
        ("sub", "alice smith", "alicé"),
        ("aud", [CLIENT_ID], []),
        ("amr", ["mfa", "pwd"], [1]),
        ("padding", "", "x" * id_tokens.LONGEST),
    ],
)
@pytest.mark.requirement(166)
def test_an_id_token_counts_up_to_its_limits(read: Read, claim: str, good: Any, bad: Any) -> None:
    assert read(**{claim: good}).claims[claim] == good
    with pytest.raises(ProviderFault):
        read(**{claim: bad})


@pytest.mark.requirement(166)
def test_an_id_token_names_its_type_or_none(read: Read) -> None:
    for header in ({}, {"typ": "JWT"}, {"typ": "jwt"}):
        assert read(header=header).sub == "alice"
    for typ in ("at+jwt", "logout+jwt", ""):
        with pytest.raises(ProviderFault):
            read(header={"typ": typ})


@pytest.mark.requirement(166)
@pytest.mark.filterwarnings("ignore:Key size")
def test_a_short_key_signs_nothing_that_counts(read: Read, fake: FakeProvider) -> None:
    short = RSAKey.generate_key(1024, {"kid": "short"})
    fake.keys.append(short)
    with pytest.raises(ProviderFault):
        read(signer=short)
    assert read(signer=key()).sub == "alice"


def test_roles_come_from_the_texts_of_a_claim(read: Read) -> None:
    person = read(groups=["staff", 7, None], department="sales", level=3)
    assert person.values_of("groups") == {"staff"}
    assert person.values_of("department") == {"sales"}
    assert person.values_of("level") == person.values_of("absent") == person.values_of("") == frozenset()


@pytest.mark.parametrize(
    ("claim", "good", "bad"),
    [
        ("exp", SECONDS - 59, SECONDS - 60),
        ("iat", SECONDS + 60, SECONDS + 61),
        ("iat", SECONDS - 660, SECONDS - 661),
        ("jti", "x" * 255, "x" * 256),
        ("sub", "x" * 255, "x" * 256),
        ("sid", "x" * 255, "x" * 256),
        ("aud", ["another", CLIENT_ID], ["another"]),
    ],
)
@pytest.mark.requirement(182)
def test_a_logout_token_counts_up_to_its_limits(fake: FakeProvider, claim: str, good: Any, bad: Any) -> None:
    def verify(value: Any) -> Any:
        known = {"iss": fake.issuer, "aud": CLIENT_ID, "iat": SECONDS, "exp": SECONDS + 120, "jti": "one"}
        claims = {**known, "events": {logout_tokens.EVENT: {}}, "sub": "alice", claim: value}
        token = logout_tokens.verified_logout(
            signed(claims, fake.keys[0], {"typ": "logout+jwt"}),
            documents.metadata_of(fake.issuer),
            client_id=CLIENT_ID,
            algorithm="RS256",
            now=NOW,
        )
        return getattr(token, claim)

    assert verify(good) == good
    with pytest.raises(RefusedByProvider):
        verify(bad)
