"""Folding: when two names count as the same."""

import sys
import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.users.lookups import organization_named, user_named
from accounts.users.names import INVISIBLE, MOST_FOLDING, clean_email, clean_username, fold
from config.wire.errors import Invalid
from tests.conftest import Cast


def every_character() -> Iterator[str]:
    return (chr(number) for number in range(sys.maxunicode + 1) if not 0xD800 <= number <= 0xDFFF)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Alice", "aLICE"),
        ("straße", "STRASSE"),
        ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
        ("ﬁsh", "fish"),
        ("ａｄａ", "ada"),  # noqa: RUF001
        ("e\u0301", "é"),
        ("\u212a", "k"),
        ("ad\u00ada", "ada"),
        ("ada\u200d", "ada"),
        ("ada\u3164", "ada"),
        ("ada\U000e0041", "ada"),
    ],
)
@pytest.mark.once
@pytest.mark.requirement(52)
def test_look_alikes_fold_to_the_same(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), [("ada", "adah"), ("mike", "m\u0131ke"), ("a.b", "ab")])
def test_different_names_stay_different(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@pytest.mark.once
@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@pytest.mark.once
def test_no_character_folds_to_more_than_the_columns_hold() -> None:
    for character in every_character():
        stored = unicodedata.normalize("NFKC", character)
        assert len(fold(stored)) <= MOST_FOLDING * len(stored)


@pytest.mark.once
def test_no_character_of_a_user_name_is_invisible_or_passes_for_an_address() -> None:
    for character in every_character():
        try:
            name = clean_username(character)
        except Invalid:
            continue
        assert name.isprintable()
        assert fold(name)
        assert not INVISIBLE.search(name)
        assert "@" not in fold(name)


@pytest.mark.parametrize(
    ("typed", "kept"), [(" Ada@Example.org ", "Ada@Example.org"), ("\uff41@b.org", "a@b.org")]
)
def test_an_address_is_kept_as_it_was_typed(typed: str, kept: str) -> None:
    assert clean_email(typed) == kept


def test_operators_find_people_and_organizations_by_any_spelling(cast: Cast) -> None:
    assert user_named("ALICE") == user_named("Alice@Example.ORG") == cast.alice
    assert organization_named("ACME") == cast.acme


@pytest.mark.parametrize("text", ["", "nobody", "nobody@example.org", "\0", "\udcff", "a\nb"])
def test_what_an_operator_mistyped_is_told_in_one_line(cast: Cast, text: str) -> None:
    for find, member in ((user_named, "user"), (organization_named, "organization")):
        with pytest.raises(Invalid) as caught:
            find(text)
        assert list(caught.value.errors) == [member]
        assert "\n" not in caught.value.detail
