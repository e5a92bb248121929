"""The search for keys in bytes: every key once, wherever the parts of a text are divided."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as some

from apikeys.at_rest import key_text
from config import profiles
from config.profiles.keys import KeyFormat
from leaks.scanning import search
from leaks.scanning.search import Search
from tests.config.profile_texts import SHIPPED

pytestmark = [pytest.mark.once, pytest.mark.requirement(133)]

FORMATS = profiles.load("keyhouse").keys.environments
KEY = key_text.mint(FORMATS["live"])
OTHER = key_text.mint(FORMATS["test"])


def found(*parts: bytes, formats: dict[str, KeyFormat] = FORMATS) -> list[tuple[str, int, int]]:
    return [(hit.text, hit.line, hit.column) for hit in Search(formats).hits(parts)]


@pytest.mark.parametrize("profile", SHIPPED)
def test_keys_of_every_profile_and_environment_are_found(profile: str) -> None:
    formats = profiles.load(profile).keys.environments
    for name, form in formats.items():
        key = key_text.mint(form)
        (hit,) = Search(formats).hits([f"key: '{key}'".encode()])
        assert (hit.text, hit.environment, hit.line, hit.column) == (key, name, 1, 7)


@pytest.mark.parametrize(
    "around", ["{}", "TOKEN={}\n", '"{}"', "A_{}_A", "\x00{}\xff", "-{}-", "u:{}@host", "é{}é"]
)
def test_a_key_is_found_where_no_letter_or_digit_touches_it(around: str) -> None:
    assert [hit[0] for hit in found(around.format(KEY).encode("latin-1"))] == [KEY]


def test_look_alikes_are_no_keys() -> None:
    wrong = KEY[:-1] + ("a" if KEY[-1] != "a" else "b")
    texts = [
        wrong,
        KEY[:-1],
        f"{KEY}A",
        f"A{KEY}",
        KEY.upper(),
        KEY.replace("_", "-"),
        KEY[:20] + "\n" + KEY[20:],
    ]
    assert found("\n".join(texts).encode()) == []


def test_a_format_without_a_checksum_is_found_by_its_form() -> None:
    formats = {"old": KeyFormat(prefix="old_", alphabet="hex", length=32, checksum=0)}
    assert found(b"old_" + b"0" * 32 + b" old_" + b"0" * 31, formats=formats) == [("old_" + "0" * 32, 1, 1)]


def test_every_way_to_divide_a_text_finds_the_same() -> None:
    text = f"{KEY}\n{OTHER},{KEY}\n\n xx{OTHER} {KEY}".encode()
    whole = found(text)
    assert [(line, column) for _, line, column in whole] == [(1, 1), (2, 1), (2, 46), (4, 49)]
    for at in range(len(text) + 1):
        assert found(text[:at], text[at:]) == whole
    assert found(*(text[at : at + 1] for at in range(len(text)))) == whole


@given(some.integers(0, 2**32), some.integers(1, 200))
def test_random_texts_in_random_parts_have_the_same_keys_as_in_one(seed: int, longest: int) -> None:
    chance = random.Random(seed)
    pieces = [KEY, OTHER, "\n", " ", "_", "a", "kh_live_", KEY[:-1], "x" * chance.randrange(300)]
    text = "".join(chance.choices(pieces, k=40)).encode()
    parts, rest = [], text
    while rest:
        size = chance.randint(1, longest)
        parts.append(rest[:size])
        rest = rest[size:]
    assert found(*parts) == found(text)


def test_a_line_of_many_megabytes_needs_the_memory_of_one_part(monkeypatch: pytest.MonkeyPatch) -> None:
    windows, move = list[int](), search.Place.move

    def measured(place: search.Place, window: bytes, to: int) -> None:
        windows.append(len(window))
        move(place, window, to)

    monkeypatch.setattr(search.Place, "move", measured)
    parts = [b"x" * search.PART for _ in range(8)]
    assert found(*parts, f" {KEY}".encode()) == [(KEY, 1, 8 * search.PART + 2)]
    assert max(windows) < search.PART + 100


def test_a_hit_shows_no_key() -> None:
    (hit,) = Search(FORMATS).hits([KEY.encode()])
    assert KEY not in repr(hit)
