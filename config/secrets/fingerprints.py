"""Fingerprints of secrets: they identify a secret, but do not reveal it."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

PEPPER, SEED_KEY = "pepper", "seed key"
DOMAIN = b"keyhouse fingerprint of a "  # no other text that a secret signs begins like this
FINGERPRINT_BYTES = 16


class Fingerprint(NamedTuple):
    """The fingerprint of a numbered secret. The kind of a signing key is its algorithm."""

    kind: str
    number: int
    text: str


class Comparison(NamedTuple):
    """How this installation's secrets differ from the known ones."""

    new: list[Fingerprint]
    changed: list[Fingerprint]
    gone: list[Fingerprint]


def fingerprints(kind: str, secrets: Mapping[int, bytes]) -> list[Fingerprint]:
    """Return the fingerprint of each numbered secret: 128 bits of an HMAC-SHA256 with it (RFC 2104)."""
    return [
        Fingerprint(kind, number, _digest(secret, DOMAIN + kind.encode()))
        for number, secret in sorted(secrets.items())
    ]


def _digest(secret: bytes, text: bytes) -> str:
    return hmac.digest(secret, text, hashlib.sha256)[:FINGERPRINT_BYTES].hex()


def compare(here: Iterable[Fingerprint], known: Iterable[Fingerprint]) -> Comparison:
    """Compare numbered secrets. A number must always keep its value."""
    found = {(each.kind, each.number): each for each in here}
    before = {(each.kind, each.number): each for each in known}
    return Comparison(
        new=[each for name, each in found.items() if name not in before],
        changed=[each for name, each in found.items() if before.get(name, each) != each],
        gone=[each for name, each in before.items() if name not in found],
    )


def compare_signers(algorithm: str, kids: Sequence[str], known: Sequence[Fingerprint]) -> Comparison:
    """Compare an algorithm's signing keys, of which the first signs, with those that have signed before.

    Signing keys are numbered in the order in which they began to sign, and identified by their public kid
    (RFC 7638). The newest is required, because other servers sign with it. Operators remove older ones once
    everything they signed has expired.
    """
    newest = known[-1:]
    if newest and newest[0].text not in kids:
        return Comparison([], [], [*newest])
    if not kids or kids[0] in {each.text for each in known}:
        return Comparison([], [], [])
    number = newest[0].number + 1 if newest else 1
    return Comparison([Fingerprint(algorithm, number, kids[0])], [], [])
