"""Fetches what a provider publishes, its settings and its keys, and remembers both for a while."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from django.conf import settings
from django.utils.translation import gettext_noop
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from config.outgoing.client import Answer, OutgoingError, fetch
from config.wire.errors import Sentence
from federation.protocol.faults import ProviderFault
from federation.protocol.remembered import Memory
from federation.protocol.turns import slow, turn_of

SECONDS = 5.0  # for a whole answer
LARGEST = 256 * 1024  # bytes
REMEMBERED_SECONDS = 3600.0
REFETCHED_SECONDS = 60.0  # the least time between two fetches of one document
MOST_KEYS = 100  # in a set
WELL_KNOWN = "/.well-known/openid-configuration"

MALFORMED = gettext_noop("The identity provider answered something that is not OpenID Connect.")
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # the last for deep nesting

T = TypeVar("T")


class Metadata(msgspec.Struct, frozen=True):
    """What a provider says of itself (OpenID Connect Discovery 1.0 section 3, RFC 9207 section 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    id_token_signing_alg_values_supported: tuple[str, ...] = ()
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False
    scopes_supported: tuple[str, ...] = ()


_metadata: Memory[Metadata] = Memory()
_keys: Memory[KeySet] = Memory()
_faults: Memory[str] = Memory()


def forget() -> None:
    """Forget all documents and faults, so that the next use fetches them, and which providers are slow."""
    for memory in (_metadata, _keys, _faults, slow):
        memory.clear()


def metadata_of(issuer: str) -> Metadata:
    """Return what the provider says of itself. Raises ProviderFault or Busy.

    Its `issuer` must be the very text of ours (Discovery section 4.3), and its addresses must have TLS if the
    issuer has.
    """
    known = _metadata.find(issuer, REMEMBERED_SECONDS)
    if known is not None:
        return known
    found = _decoded(_document(issuer, issuer.rstrip("/") + WELL_KNOWN), Metadata)
    if found.issuer != issuer:
        raise ProviderFault("The issuer that the identity provider names is another one.")
    scheme = "https://" if issuer.startswith("https://") else ("https://", "http://")
    ends = (found.authorization_endpoint, found.token_endpoint, found.jwks_uri, found.userinfo_endpoint)
    if not all(each.startswith(scheme) for each in ends if each):
        raise ProviderFault("The identity provider names an address without TLS.")
    _metadata.keep(issuer, found)
    return found


def keys_of(metadata: Metadata, kid: str | None) -> KeySet:
    """Return the provider's public keys. Raises ProviderFault or Busy.

    A `kid` that they do not have fetches them again, at most once a minute.
    """
    address = metadata.jwks_uri
    known = _keys.find(address, REMEMBERED_SECONDS)
    if known is not None and (_has(known, kid) or _keys.find(address, REFETCHED_SECONDS) is not None):
        return known
    document = _decoded(_document(metadata.issuer, address), dict[str, Any])
    try:
        if len(document.get("keys", [])) > MOST_KEYS:
            raise ProviderFault(MALFORMED)
        found = KeySet.import_key_set({"keys": [_public(each) for each in document["keys"]]})
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        raise ProviderFault(MALFORMED) from None
    _keys.keep(address, found)
    return found


def _has(keys: KeySet, kid: str | None) -> bool:
    return kid is None or any(each.kid == kid for each in keys.keys)


def _public(key: dict[str, Any]) -> dict[str, Any]:
    """Return a key of the set, which must be asymmetric: nobody may sign with what is published."""
    if key.get("kty") not in {"RSA", "EC", "OKP"}:
        raise ValueError(key.get("kty"))
    return key


def ask(
    issuer: str, address: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
) -> Answer:
    """Send a request to a provider; POST if there is a `body`. Raises ProviderFault or Busy."""
    try:
        with turn_of(issuer):
            answer = fetch(
                address,
                networks=settings.PROVIDER_NETWORKS,
                most_bytes=LARGEST,
                seconds=SECONDS,
                method="GET" if body is None else "POST",
                headers=headers,
                body=body,
            )
    except OutgoingError as error:
        reason = Sentence("The identity provider cannot be reached: %(reason)s", reason=error)
        raise ProviderFault(reason) from None
    if not answer.is_whole:
        raise ProviderFault(MALFORMED)
    return answer


def _document(issuer: str, address: str) -> bytes:
    """Return a document. After a fault it is not fetched again for a while. Raises ProviderFault or Busy."""
    fault = _faults.find(address, REFETCHED_SECONDS / 6)
    if fault is not None:
        raise ProviderFault(fault)
    try:
        answer = ask(issuer, address, headers={"Accept": "application/json"})
        if answer.status != 200:
            raise ProviderFault(
                Sentence("The identity provider answers %(status)d at its address.", status=answer.status)
            )
    except ProviderFault as error:
        _faults.keep(address, error.detail)
        raise
    return answer.body


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except UNREADABLE:
        raise ProviderFault(MALFORMED) from None
