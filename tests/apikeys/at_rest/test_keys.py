"""The text of a key: pure functions, no Django."""

import string
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apikeys.at_rest import key_text
from config.secrets.key_formats import ALPHABETS, checksum, holds_key, is_well_formed

pytestmark = pytest.mark.once


@dataclass(frozen=True)
class Format:
    prefix: str
    alphabet: str
    length: int
    checksum: int


LIVE = Format("kh_live_", "base62", 36, 6)
TEST = Format("kh_test_", "base62", 36, 6)
HEX = Format("nr_", "hex", 48, 8)
PLAIN = Format("plain_", "base62", 24, 0)
FORMATS = {"live": LIVE, "test": TEST, "hex": HEX, "plain": PLAIN}


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
def test_a_minted_key_has_its_prefix_length_and_alphabet(form: Format) -> None:
    text = key_text.mint(form)
    body = text.removeprefix(form.prefix)
    assert text.startswith(form.prefix)
    assert len(body) == form.length
    assert set(body) <= set(ALPHABETS[form.alphabet])
    assert is_well_formed(text, form)


@pytest.mark.requirement(55)
def test_ten_thousand_keys_hold_no_duplicate_and_one_expression_finds_all() -> None:
    made = [key_text.mint(form) for form in (LIVE, TEST) for _ in range(5_000)]
    assert len(set(made)) == 10_000
    text = "".join(f'{{"key": "{key}"}}, KEY={key};\n' for key in made)
    found = key_text.pattern({"live": LIVE, "test": TEST}).findall(text)
    assert found == [key for key in made for _ in range(2)]


@pytest.mark.parametrize("around", ["{}", "'{}'", "X={}&", "Bearer {}\r\n", "<{}>", "x_{}_y", "…{}…", "{}."])
def test_the_expression_finds_a_key_whatever_stands_around_it(around: str) -> None:
    key = key_text.mint(LIVE)
    assert key_text.pattern(FORMATS).findall(around.format(key)) == [key]


def test_the_expression_does_not_find_what_is_longer_or_shorter_than_a_key() -> None:
    key = key_text.mint(LIVE)
    assert key_text.pattern(FORMATS).findall(f"{key}A A{key} {key[:-1]}") == []


@pytest.mark.parametrize("around", ["{}", "of prod: {}.", "A{}A", "kh_live_{}", "é{}", "{}{}", "x=%22{}%22"])
@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
def test_a_key_in_a_text_is_found_whatever_stands_around_it(form: Format, around: str) -> None:
    text = around.replace("{}", key_text.mint(form))
    assert holds_key(text, FORMATS.values())
    assert not holds_key(text.replace(form.prefix, "x"), FORMATS.values())


def test_a_text_that_only_looks_like_a_key_is_not_one() -> None:
    key = key_text.mint(LIVE)
    for text in ("", "kh_live_notes", key[:-1], f"kh_live_{'a' * 36}", key.lower()):
        assert not holds_key(text, [LIVE])


def test_every_single_mistyped_character_breaks_the_checksum() -> None:
    key = key_text.mint(LIVE)
    for place in range(len(key)):
        wrong = key[:place] + ("a" if key[place] != "a" else "b") + key[place + 1 :]
        assert not is_well_formed(wrong, LIVE), place


def test_two_swapped_neighbours_break_the_checksum() -> None:
    key = "kh_live_" + "abcdefghijklmnopqrstuvwxyz0123"
    key += checksum(key, LIVE)
    assert is_well_formed(key, LIVE)
    assert not is_well_formed(key.replace("ab", "ba"), LIVE)


def test_the_checksum_covers_the_prefix() -> None:
    assert not is_well_formed(key_text.mint(TEST).replace("kh_test_", "kh_live_"), LIVE)


@pytest.mark.parametrize(
    "change", [str.upper, str.lower, lambda k: k + "\n", lambda k: " " + k, lambda k: k + "="]
)
def test_a_key_is_exact(change: Callable[[str], str]) -> None:
    assert not is_well_formed(change(key_text.mint(LIVE)), LIVE)


@given(st.text())
def test_no_text_at_all_upsets_the_check(text: str) -> None:
    for candidate in (text, LIVE.prefix + text, (LIVE.prefix + text).ljust(44, "0")[:44]):
        assert key_text.environment_of(candidate, FORMATS) in {None, "live"}


def test_digits_of_other_scripts_are_not_of_the_alphabet() -> None:
    assert not is_well_formed("kh_live_" + "\u0661" * 36, LIVE)


def test_the_environment_of_a_key_is_told_from_its_text() -> None:
    assert {
        name: key_text.environment_of(key_text.mint(form), FORMATS) for name, form in FORMATS.items()
    } == {name: name for name in FORMATS}
    assert key_text.environment_of("kh_live_", FORMATS) is None


def test_the_shown_part_is_the_prefix_and_a_few_characters() -> None:
    key = key_text.mint(LIVE)
    assert key_text.shown_part(key, LIVE, 4) == key[:12]
    assert key_text.shown_part(key, LIVE, 0) == "kh_live_"


def test_the_digest_is_hmac_sha256_under_the_pepper() -> None:
    import hashlib
    import hmac

    expected = hmac.new(b"p" * 32, b"kh_live_x", hashlib.sha256).digest()
    assert key_text.digest("kh_live_x", b"p" * 32) == expected
    assert key_text.digest("kh_live_x", b"q" * 32) != expected


def test_all_characters_of_the_alphabet_are_minted() -> None:
    seen = set("".join(key_text.mint(PLAIN).removeprefix("plain_") for _ in range(200)))
    assert seen == set(string.ascii_letters + string.digits)
