"""Puts a scan together: the sources, the search, and what may be shown of a key."""

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from apikeys.at_rest import key_text
from config import profiles
from leaks.scanning import history, sources
from leaks.scanning.search import Search


class Finding(NamedTuple):
    """A key that was found. `key_prefix` is the part that may be shown."""

    key_prefix: str
    environment: str
    path: str
    line: int
    column: int
    object: str = ""


def scan(
    paths: Iterable[str], failed: Callable[[sources.Unreadable], None], *, with_history: bool = False
) -> Iterator[Finding]:
    """Yield the keys of the active profile's formats in files, below folders, and in standard input (`-`).

    With `with_history`, also those in the git history of each folder. What cannot be read goes to `failed`.
    """
    form = profiles.active().keys
    search = Search(form.environments)
    for source in _sources(paths, failed, with_history):
        try:
            for hit in search.hits(source.parts):
                shown = key_text.shown_part(
                    hit.text, form.environments[hit.environment], form.shown_characters
                )
                yield Finding(shown, hit.environment, source.name, hit.line, hit.column, source.object)
        except OSError as error:
            failed(sources.Unreadable(source.name, error.strerror or type(error).__name__))


def _sources(
    paths: Iterable[str], failed: Callable[[sources.Unreadable], None], with_history: bool
) -> Iterator[sources.Source]:
    for path in paths:
        if path == sources.STDIN:
            yield sources.Source(path, sources.read(sys.stdin.buffer))
            continue
        yield from sources.files(Path(path), failed)
        if with_history:
            yield from history.objects(Path(path), failed)
