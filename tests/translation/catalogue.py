"""Reads a catalogue of translations as it is written (.po) and as it is compiled (.mo)."""

import ast
import gettext
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.translation.marked import PROJECT, Marked

LOCALE = PROJECT / "config" / "locale"
STRING = re.compile(r'^(?:(msgid|msgid_plural|msgstr(?:\[\d\])?) )?(".*")$')


@dataclass
class Entry:
    """A text with its translations: one, or one for each form of the plural."""

    texts: dict[str, str] = field(default_factory=dict)
    is_fuzzy: bool = False

    @property
    def source(self) -> Marked:
        return Marked(self.texts["msgid"], self.texts.get("msgid_plural", ""))

    @property
    def translations(self) -> list[str]:
        return [text for name, text in self.texts.items() if name.startswith("msgstr")]


def written(language: str) -> list[Entry]:
    """Return the entries of the .po file, without its header."""
    text = (LOCALE / language / "LC_MESSAGES" / "django.po").read_text("utf-8")
    return [each for each in map(_entry, text.split("\n\n")) if each.texts.get("msgid")]


def _entry(block: str) -> Entry:
    entry, name = Entry(), ""
    for line in block.splitlines():
        entry.is_fuzzy |= line.startswith("#,") and "fuzzy" in line
        if found := STRING.match(line):
            name = found[1] or name
            entry.texts[name] = entry.texts.get(name, "") + ast.literal_eval(found[2])
    return entry


def compiled(path: Path) -> dict[object, str]:
    """Return {text, or (text, form of the plural): translation} of a .mo file."""
    with path.open("rb") as file:
        catalogue: dict[object, str] = dict(gettext.GNUTranslations(file)._catalog)  # type: ignore[attr-defined]
    return {source: text for source, text in catalogue.items() if source}


def as_compiled(entries: list[Entry]) -> dict[object, str]:
    """Return what the .mo file of these entries should have."""
    return dict(_pairs(entries))


def _pairs(entries: list[Entry]) -> Iterator[tuple[object, str]]:
    for entry in entries:
        one, many = entry.source
        yield from (((one, i) if many else one, text) for i, text in enumerate(entry.translations))
