"""Each language has every marked text, translated and compiled."""

import re

import pytest
from django.conf import settings

from tests.translation.catalogue import LOCALE, as_compiled, compiled, written
from tests.translation.marked import marked

pytestmark = pytest.mark.once

OTHERS = [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
VALUE = re.compile(r"%\(\w+\)[sd]|%[sd]|</?\w+")


@pytest.mark.parametrize("language", OTHERS)
def test_every_marked_text_is_translated_and_no_other(language: str) -> None:
    translated = {entry.source for entry in written(language) if all(entry.translations)}
    assert translated == marked()


@pytest.mark.parametrize("language", OTHERS)
def test_no_translation_is_a_guess(language: str) -> None:
    assert [entry.source.one for entry in written(language) if entry.is_fuzzy] == []


@pytest.mark.parametrize("language", OTHERS)
def test_translations_have_the_values_and_tags_of_the_text(language: str) -> None:
    for entry in written(language):
        wanted = sorted(VALUE.findall(entry.source.many or entry.source.one))
        for text in entry.translations:
            assert sorted(VALUE.findall(text)) == wanted, entry.source.one


@pytest.mark.parametrize("language", OTHERS)
def test_the_compiled_file_has_what_is_written(language: str) -> None:
    assert compiled(LOCALE / language / "LC_MESSAGES" / "django.mo") == as_compiled(written(language))
