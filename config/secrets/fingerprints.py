"""Fingerprints of secrets: enough to know a secret again, and nothing to make it from."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

PEPPER, SEED_KEY = "pepper", "seed key"
DOMAIN = b"keyhouse fingerprint of a "  # no text that is stored under a secret begins like this
FINGERPRINT_BYTES = 16


class Fingerprint(NamedTuple):
    """A secret of a kind, by its number; the kind of a signing key is its algorithm."""

    kind: str
    number: int
    text: str


class Comparison(NamedTuple):
    """How the secrets at hand differ from those that are known: new ones, changed ones, and those gone."""

    new: list[Fingerprint]
    changed: list[Fingerprint]
    gone: list[Fingerprint]


def fingerprints(kind: str, secrets: Mapping[int, bytes]) -> list[Fingerprint]:
    """Return the fingerprint of each numbered secret: HMAC-SHA256 under it (RFC 2104), 128 bits of it."""
    return [
        Fingerprint(kind, number, _digest(secret, DOMAIN + kind.encode()))
        for number, secret in sorted(secrets.items())
    ]


def _digest(secret: bytes, text: bytes) -> str:
    return hmac.digest(secret, text, hashlib.sha256)[:FINGERPRINT_BYTES].hex()


def compare(here: Iterable[Fingerprint], known: Iterable[Fingerprint]) -> Comparison:
    """Compare numbered secrets. A number keeps its value for ever."""
    found = {(each.kind, each.number): each for each in here}
    before = {(each.kind, each.number): each for each in known}
    return Comparison(
        new=[each for name, each in found.items() if name not in before],
        changed=[each for name, each in found.items() if before.get(name, each) != each],
        gone=[each for name, each in before.items() if name not in found],
    )


def compare_signers(algorithm: str, kids: Sequence[str], known: Sequence[Fingerprint]) -> Comparison:
    """Compare the signing keys of an algorithm, the one that signs first, with those known to have signed.

    They are numbered as they came to sign, and known by their kid (RFC 7638), which is public. The newest
    of them is needed: servers that have it sign with it. Older ones go when what they signed has expired.
    """
    newest = known[-1:]
    if newest and newest[0].text not in kids:
        return Comparison([], [], [*newest])
    if not kids or kids[0] in {each.text for each in known}:
        return Comparison([], [], [])
    number = newest[0].number + 1 if newest else 1
    return Comparison([Fingerprint(algorithm, number, kids[0])], [], [])
