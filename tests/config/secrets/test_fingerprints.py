"""Fingerprints of secrets, and the comparison of present secrets with known ones."""

import pytest

from config.secrets.fingerprints import (
    PEPPER,
    SEED_KEY,
    Comparison,
    Fingerprint,
    compare,
    compare_signers,
    fingerprints,
)

pytestmark = pytest.mark.once

ONE, OTHER = bytes(range(32)), bytes(range(1, 33))
NOTHING = Comparison([], [], [])


def signed(*kids: str) -> list[Fingerprint]:
    return [Fingerprint("RS256", number, kid) for number, kid in enumerate(kids, start=1)]


def test_a_fingerprint_is_of_the_secret_and_its_kind_and_not_of_its_number() -> None:
    (first, again), (third,) = fingerprints(PEPPER, {1: ONE, 7: ONE}), fingerprints(SEED_KEY, {1: ONE})
    assert (first.number, again.number, third.number) == (1, 7, 1)
    assert first.text == again.text
    assert len({first.text, third.text, fingerprints(PEPPER, {1: OTHER})[0].text}) == 3
    assert len(bytes.fromhex(first.text)) == 16
    assert first.text not in ONE.hex()


def test_numbers_are_new_changed_or_gone() -> None:
    known = fingerprints(PEPPER, {1: ONE, 2: ONE})
    assert compare(known, known) == NOTHING
    found = compare(fingerprints(PEPPER, {2: OTHER, 3: ONE}), known)
    assert [(each.kind, each.number) for each in found.new] == [(PEPPER, 3)]
    assert [(each.kind, each.number) for each in found.changed] == [(PEPPER, 2)]
    assert [(each.kind, each.number) for each in found.gone] == [(PEPPER, 1)]


@pytest.mark.parametrize(
    ("here", "known", "new", "gone"),
    [
        ([], [], [], []),
        (["a"], [], [("a", 1)], []),
        (["a", "b"], ["a"], [], []),  # b is published before it signs
        (["b", "a"], ["a"], [("b", 2)], []),
        (
            ["a", "b"],
            ["a", "b"],
            [],
            [],
        ),  # a machine without the new key, or back at the old one
        (["b"], ["a", "b"], [], []),
        (["a"], ["a", "b"], [], ["b"]),
        (["c", "a"], ["a", "b"], [], ["b"]),
        (["c"], ["a"], [], ["a"]),
        ([], ["a"], [], ["a"]),
    ],
)
def test_of_signing_keys_the_newest_that_signed_is_needed(
    here: list[str], known: list[str], new: list[tuple[str, int]], gone: list[str]
) -> None:
    found = compare_signers("RS256", here, signed(*known))
    assert [(each.text, each.number) for each in found.new] == new
    assert [each.text for each in found.gone] == gone
