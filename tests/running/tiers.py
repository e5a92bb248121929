"""Which tests a run has: the fast ones, all of them, or the soak tests; and which part of it runs which.

./run test          the fast tier: without `slow`, `soak` and tests that start Keyhouse as a process, unless
                    they are marked `fast`. Tests run on one database, by their file; those that commit or
                    are marked `databases` run on both.
./run test --all    without `soak`. Tests that commit, start Keyhouse as a process or are marked `databases`
                    run on both databases, the others on one: functions by their names, their parameters in
                    turn. Functions marked `once` run on one, by their file.
                    Three processes for each database share its tests, as tests.running.taking says.
./run test PATHS    what is named, by paths or with -k: on both databases, but for those marked `once`;
                    ./run test tests --all does so with everything, before a release.
./run soak          `soak`, and the properties that hypothesis tries, with many more examples.
"""

import gc
import os
import re
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.running import taking

TESTS = Path(__file__).parents[1]
SHARE_OF_POSTGRESQL = 34  # percent of the files that run on one database: there each test takes longer
DATABASES = ("sqlite", "postgresql")
INSTALLATIONS = {"bare_installation", "after_migration"}  # the fixtures of tests.installation


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="slow tests too")
    parser.addoption("--soak", action="store_true", help="the soak tests and the properties alone")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With -k import only files that contain one of its words.

    To import all of them takes longer than a test.
    """
    if collection_path.suffix != ".py":
        return None
    chosen = _files_with(config.getoption("keyword"))
    return None if not chosen or collection_path in chosen else True


@cache
def _files_with(expression: str) -> frozenset[Path]:
    """The files of tests in which, or in whose path, one of the words is; none if they may all be meant."""
    words = set(re.findall(r"\w+", expression.lower())) - {"and", "or"}
    if not words or "not" in words:
        return frozenset()
    texts = {path: f"{path} {path.read_text()}".lower() for path in TESTS.rglob("test_*.py")}
    return frozenset(path for path, text in texts.items() if any(word in text for word in words))


@pytest.hookimpl(trylast=True)  # hypothesis marks its tests first
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    database = os.environ.get("KEYHOUSE_TEST_VENDOR", "")
    everything = config.getoption("all") or _is_named(config)
    kept = {
        item
        for item in items
        if _is_in_tier(item, everything, config)
        and (not database or database in _databases_of(item, everything))
    }
    if config.getoption("all") and database and not _is_named(config):
        kept -= set(_dealt_to_others(items, database))
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = [item for item in items if item in kept]
    if config.getoption("all"):
        # What takes long comes first, so that the processes that share the tests end together.
        items.sort(
            key=lambda item: (not taking.has_browser(item), not _starts_processes(item), not _is_slow(item))
        )


def pytest_configure() -> None:
    gc.disable()


def pytest_collection_finish() -> None:
    """Spare the garbage collector thousands of tests that stay until the end."""
    gc.enable()
    gc.collect()
    gc.freeze()


def _is_named(config: pytest.Config) -> bool:
    return bool(config.getoption("keyword")) or config.args_source is pytest.Config.ArgsSource.ARGS


def _is_in_tier(item: pytest.Item, everything: bool, config: pytest.Config) -> bool:
    if config.getoption("soak"):
        return _has(item, "soak") or _has(item, "hypothesis")
    return (everything or not _is_slow(item)) and (_is_named(config) or not _has(item, "soak"))


def _is_slow(item: pytest.Item) -> bool:
    return _has(item, "slow") or (_starts_processes(item) and not _has(item, "fast"))


def _starts_processes(item: pytest.Item) -> bool:
    return not INSTALLATIONS.isdisjoint(getattr(item, "fixturenames", ()))


def _databases_of(item: pytest.Item, everything: bool) -> set[str]:
    """The databases on which the run has this test."""
    if _has(item, "once"):
        return {_one_database(item)}
    return set(DATABASES) if everything or _is_about_databases(item) else {_one_database(item)}


def _is_about_databases(item: pytest.Item) -> bool:
    return _has(item, "databases") or _commits(item)


def _dealt_to_others(items: Iterable[pytest.Item], database: str) -> Iterator[pytest.Item]:
    """Yield the tests that are for another database. A function has its first one, then they take turns."""
    turns: defaultdict[str, int] = defaultdict(int)
    for item in items:
        if not (_has(item, "once") or _is_about_databases(item) or _starts_processes(item)):
            name = item.nodeid.partition("[")[0]
            turn = _draw(name) + turns[name]
            turns[name] += 1
            if DATABASES[turn % len(DATABASES)] != database:
                yield item


def _commits(item: pytest.Item) -> bool:
    mark = item.get_closest_marker("django_db")
    asks = mark is not None and bool(mark.kwargs.get("transaction"))
    return asks or "transactional_db" in getattr(item, "fixturenames", ())


def _one_database(item: pytest.Item) -> str:
    return "postgresql" if _draw(item.nodeid.partition("::")[0]) < SHARE_OF_POSTGRESQL else "sqlite"


def _draw(name: str) -> int:
    """A number below 100 that is always the same for a file or a function."""
    return zlib.crc32(name.encode()) % 100


def _has(item: pytest.Item, name: str) -> bool:
    return item.get_closest_marker(name) is not None
