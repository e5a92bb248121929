"""Fetches GitHub's public keys over HTTP, within a time and a size."""

from http import HTTPStatus

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from config.outgoing import client

SECONDS = 5.0  # for the whole answer
LARGEST = 64 * 1024  # bytes; GitHub's answer has less than two
EVERYWHERE = ("0.0.0.0/0", "::/0")  # the operator chose the address


class Unusable(Exception):
    """GitHub's keys could not be fetched; the message says why, in one line."""


class PublicKey(msgspec.Struct):
    """One key as GitHub lists it. Members that are not named here are ignored."""

    key_identifier: str
    key: str


class PublicKeys(msgspec.Struct):
    """GitHub's answer: https://docs.github.com/en/rest/meta and the page of the partner program."""

    public_keys: list[PublicKey]


def fetch(address: str) -> dict[str, str]:
    """Return the P-256 keys at `address` as PEM, by identifier. Raises Unusable."""
    try:
        listed = msgspec.json.decode(_read(address), type=PublicKeys).public_keys
        found = {each.key_identifier: each.key for each in listed}
        for pem in found.values():
            load(pem)
    except (client.OutgoingError, ValueError, msgspec.MsgspecError) as error:
        raise Unusable(f"{type(error).__name__}: {error}".partition("\n")[0]) from error
    return found


def load(pem: str) -> EllipticCurvePublicKey:
    """Return the public key. Raises ValueError for anything but a key on the curve P-256."""
    try:
        key = load_pem_public_key(pem.encode())
    except UnsupportedAlgorithm as error:
        raise ValueError(str(error)) from None
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise ValueError("a key of GitHub is not on the curve P-256")
    return key


def _read(address: str) -> bytes:
    """Return the body at `address`. Raises OutgoingError, and ValueError for an answer that is not 200."""
    answer = client.fetch(
        address,
        networks=EVERYWHERE,
        most_bytes=LARGEST,
        seconds=SECONDS,
        headers={"Accept": "application/json"},
    )
    if answer.status != HTTPStatus.OK:
        raise ValueError(f"the answer has the status {answer.status}")
    if not answer.is_whole:
        raise ValueError(f"the answer is larger than {LARGEST} bytes, or ends too early")
    return answer.body
