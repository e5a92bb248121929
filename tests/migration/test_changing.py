"""A source that changes between the two readings of an import."""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from apikeys.models import ApiKey
from tests.commands.helpers import refusal_of, run
from tests.conftest import Cast
from tests.migration.conftest import Write
from tests.migration.using import status

KEYS = [f"9fQ2jX5vT0kLm3nB8cR7{number:04}" for number in range(4)]
WORDS = (
    "changed during the import, so rows may be left out; import again: keys that are here stay as they are"
)
HEADS = "key,owner\n"

Before = Callable[[str, int, Callable[[], object]], None]
_hooks: list[Callable[[str], None]] = []


def _opened(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and _hooks:
        for hook in _hooks:
            hook(str(arguments[0]))


sys.addaudithook(_opened)  # Python has no way to remove it


@pytest.fixture
def before_opening() -> Iterator[Before]:
    """Do something just before a file is opened for the nth time."""

    def watch(path: str, number: int, do: Callable[[], object]) -> None:
        times = 0

        def hook(opened: str) -> None:
            nonlocal times
            times += opened == path
            if times == number:
                _hooks.clear()  # `do` may open the file, too
                do()

        _hooks.append(hook)

    yield watch
    _hooks.clear()


def rows(*keys: str) -> str:
    return HEADS + "".join(f"{key},alice\n" for key in keys)


def test_a_row_that_broke_after_the_check_ends_the_import_with_an_error(
    cast: Cast, write: Write, before_opening: Before
) -> None:
    path = write(rows(*KEYS))
    before_opening(path, 2, lambda: write(f"{rows(KEYS[0])}short,alice\n{rows(KEYS[2])[len(HEADS) :]}"))
    assert refusal_of("importkeys", "--from", "csv", path).endswith(WORDS)
    assert ApiKey.objects.count() == 2
    again = run("importkeys", "--from", "csv", write(rows(*KEYS)))
    assert (again["imported"], again["already_here"]) == (2, 2)


@pytest.mark.parametrize("option", ["--keep-missing", "--keep-going"])
def test_a_file_that_was_cut_off_after_the_check_ends_the_import_with_an_error(
    cast: Cast, write: Write, before_opening: Before, option: str
) -> None:
    path = write(rows(*KEYS))
    before_opening(path, 2, lambda: write(rows(*KEYS[:2])))
    assert refusal_of("importkeys", "--from", "csv", path, option).endswith(WORDS)
    assert ApiKey.objects.count() == 2


@pytest.mark.requirement(142)
def test_keys_that_are_gone_from_a_file_that_changes_are_not_revoked(
    cast: Cast, write: Write, before_opening: Before, scopes: str
) -> None:
    path = write(rows(*KEYS))
    run("importkeys", "--from", "csv", path, "--scopes", scopes)
    before_opening(path, 2, lambda: write(rows(*KEYS[:3])))
    assert refusal_of("importkeys", "--from", "csv", path, "--complete").endswith(WORDS)
    assert status({"Authorization": f"Bearer {KEYS[3]}"}) == 200
    assert run("importkeys", "--from", "csv", path, "--complete")["revoked"] == 1
