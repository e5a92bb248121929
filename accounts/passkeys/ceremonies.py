"""What browsers send for passkeys, read strictly and verified with fido2. Independent of Django.

WebAuthn Level 3 sections 7.1 (registration) and 7.2 (authentication); attestation is not asked for.
"""

import base64
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Literal, NamedTuple

import msgspec
from cryptography.exceptions import InvalidSignature
from fido2 import cbor
from fido2.cose import ES256, RS256, CoseKey, EdDSA
from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestationObject,
    AttestedCredentialData,
    AuthenticationResponse,
    AuthenticatorAssertionResponse,
    AuthenticatorAttestationResponse,
    AuthenticatorData,
    CollectedClientData,
    PublicKeyCredentialRpEntity,
    RegistrationResponse,
    UserVerificationRequirement,
)

logging.getLogger("fido2").setLevel(logging.WARNING)  # it would log each credential

LONGEST = 16_000  # characters of JSON; attestations that we do not ask for are the longest
LONGEST_ID = 1023  # bytes, WebAuthn Level 3 section 5.8.3
LONGEST_KEY = 2048  # bytes
ALGORITHMS = (EdDSA.ALGORITHM, ES256.ALGORITHM, RS256.ALGORITHM)
TRANSPORTS = frozenset({"usb", "nfc", "ble", "smart-card", "hybrid", "internal"})


class NotAccepted(ValueError):
    """What was sent is malformed, or was not signed by the passkey. The text is for the log."""


class ElsewhereMade(ValueError):
    """The browser was at another address."""


class RelyingParty(NamedTuple):
    """The host that passkeys are for (`id`), and the origin of its pages."""

    id: str
    origin: str


class _Made(msgspec.Struct, frozen=True, rename="camel"):
    client_data: str = msgspec.field(name="clientDataJSON")
    attestation_object: str
    transports: list[str] = []


class _Signed(msgspec.Struct, frozen=True, rename="camel"):
    client_data: str = msgspec.field(name="clientDataJSON")
    authenticator_data: str
    signature: str
    user_handle: str | None = None


class _Registration(msgspec.Struct, frozen=True, rename="camel"):
    raw_id: str
    type: Literal["public-key"]
    response: _Made


class _Assertion(msgspec.Struct, frozen=True, rename="camel"):
    raw_id: str
    type: Literal["public-key"]
    response: _Signed


class Registration(NamedTuple):
    """A new passkey as a browser sends it, not verified yet."""

    challenge: bytes
    whole: RegistrationResponse
    transports: tuple[str, ...]


class Assertion(NamedTuple):
    """A login with a passkey as a browser sends it, not verified yet; `user_handle` names the person."""

    challenge: bytes
    credential_id: bytes
    user_handle: bytes | None
    whole: AuthenticationResponse


class NewPasskey(NamedTuple):
    """A verified new passkey; see accounts.models.Passkey."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    backup_eligible: bool
    backed_up: bool


class Verified(NamedTuple):
    """What the authenticator said with a right signature; `is_user_verified`: by PIN, finger, face, …"""

    sign_count: int
    backed_up: bool
    is_user_verified: bool


def read_registration(text: str) -> Registration:
    """Read the JSON of a new passkey. Raises NotAccepted."""
    with _refusing():
        sent = msgspec.json.decode(_short(text), type=_Registration)
        client = CollectedClientData(_bytes(sent.response.client_data))
        made = AttestationObject(_bytes(sent.response.attestation_object))
        response = AuthenticatorAttestationResponse(client_data=client, attestation_object=made)
        whole = RegistrationResponse(raw_id=_bytes(sent.raw_id), response=response)
        transports = sorted(TRANSPORTS.intersection(sent.response.transports))
        return Registration(client.challenge, whole, tuple(transports))


def read_assertion(text: str) -> Assertion:
    """Read the JSON of a login with a passkey. Raises NotAccepted."""
    with _refusing():
        sent = msgspec.json.decode(_short(text), type=_Assertion)
        client = CollectedClientData(_bytes(sent.response.client_data))
        handle = sent.response.user_handle
        response = AuthenticatorAssertionResponse(
            client_data=client,
            authenticator_data=AuthenticatorData(_bytes(sent.response.authenticator_data)),
            signature=_bytes(sent.response.signature),
        )
        whole = AuthenticationResponse(raw_id=_bytes(sent.raw_id), response=response)
        return Assertion(client.challenge, whole.raw_id, _bytes(handle) if handle else None, whole)


def verify_registration(party: RelyingParty, sent: Registration) -> NewPasskey:
    """Verify a new passkey whose challenge is ours. Raises NotAccepted or ElsewhereMade."""
    _check_place(party, sent.whole.response.client_data)
    with _refusing():
        state = _state(sent.challenge, UserVerificationRequirement.PREFERRED)
        data = _server(party).register_complete(state, sent.whole)
        made = data.credential_data
        if made is None or made.credential_id != sent.whole.raw_id or len(made.credential_id) > LONGEST_ID:
            raise NotAccepted("the credential has another id, or too long a one")
        key = cbor.encode(made.public_key)
        if made.public_key.get(3) not in ALGORITHMS or len(key) > LONGEST_KEY:
            raise NotAccepted("the algorithm must be one of those that Keyhouse asked for")
        _check_usable(made.public_key)
        return NewPasskey(
            made.credential_id, key, data.counter, data.is_backup_eligible(), data.is_backed_up()
        )


def verify_assertion(party: RelyingParty, sent: Assertion, public_key: bytes) -> Verified:
    """Verify the signature of a login whose challenge is ours. Raises NotAccepted or ElsewhereMade."""
    _check_place(party, sent.whole.response.client_data)
    with _refusing():
        key = _key(public_key)
        known = AttestedCredentialData.create(bytes(16), sent.credential_id, key)
        state = _state(sent.challenge, UserVerificationRequirement.PREFERRED)
        _server(party).authenticate_complete(state, [known], sent.whole)
        said = sent.whole.response.authenticator_data
        return Verified(said.counter, said.is_backed_up(), said.is_user_verified())


def text_of(data: bytes) -> str:
    """Return bytes in base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    padded = text + "=" * (-len(text) % 4)
    return base64.b64decode(padded, altchars=b"-_", validate=True)


def _short(text: str) -> str:
    if len(text) > LONGEST:
        raise NotAccepted(f"longer than {LONGEST} characters")
    return text


def _check_place(party: RelyingParty, client: CollectedClientData) -> None:
    """Raise ElsewhereMade unless the browser was on a page of ours, and on no page of others around it."""
    if client.origin != party.origin or client.cross_origin is not False:
        raise ElsewhereMade


def _server(party: RelyingParty) -> Fido2Server:
    entity = PublicKeyCredentialRpEntity(id=party.id, name=party.id)
    return Fido2Server(entity, verify_origin=lambda origin: origin == party.origin)


def _state(challenge: bytes, verification: UserVerificationRequirement) -> dict[str, str]:
    return {"challenge": text_of(challenge), "user_verification": verification}


def _key(stored: bytes) -> CoseKey:
    parameters: Any = cbor.decode(stored)
    return CoseKey.parse(parameters)


def _check_usable(key: CoseKey) -> None:
    """Try the key on a wrong signature. Raises what fido2 and cryptography raise for a malformed key."""
    with suppress(InvalidSignature):
        key.verify(b"", b"")


@contextmanager
def _refusing() -> Iterator[None]:
    """Turn any error into NotAccepted: parsers of CBOR raise many kinds of errors on malformed bytes."""
    try:
        yield
    except NotAccepted:
        raise
    except Exception as error:
        raise NotAccepted(f"{type(error).__name__}: {error}"[:200]) from error
