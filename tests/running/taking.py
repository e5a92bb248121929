"""With --all, processes share the tests of a database: each takes the next group that no other has taken.

A group is the tests of one file that stand beside each other: what they share is set up once. Those with a
browser are one group, for the browser and what it looks at. All processes of a database have the same tests
in the same order.
"""

import os
from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import groupby
from pathlib import Path

import pytest

FOLDER = "KEYHOUSE_TEST_TAKEN"  # names a folder with a file for each group that is taken


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run what this process takes, as pytest's own loop runs everything."""
    folder = os.environ.get(FOLDER)
    if not folder or session.config.option.collectonly or session.testsfailed:
        return None
    tests = taken(session.items, Path(folder))
    test = next(tests, None)
    while test is not None:
        following = next(tests, None)
        test.config.hook.pytest_runtest_protocol(item=test, nextitem=following)
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
        test = following
    return True


def taken(tests: Iterable[pytest.Item], folder: Path) -> Iterator[pytest.Item]:
    """The tests of those groups that nobody had taken when their turn came."""
    for _, group in groupby(tests, key=_group):
        together = list(group)
        try:
            (folder / sha256(together[0].nodeid.encode()).hexdigest()).touch(exist_ok=False)
        except FileExistsError:
            continue
        yield from together


def has_browser(test: pytest.Item) -> bool:
    return "chromium" in getattr(test, "fixturenames", ())


def _group(test: pytest.Item) -> str:
    return "with a browser" if has_browser(test) else test.nodeid.partition("::")[0]
