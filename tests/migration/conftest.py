"""Fixtures of imports: the scopes that imported keys get, and the routes on which they are used."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config import profiles
from tests.gateway.routing import row, with_routes
from tests.migration.systems import System, minted

Write = Callable[[str], str]


@pytest.fixture(autouse=True)
def routes() -> Iterator[None]:
    with profiles.override(with_routes(row("GET", "/stock", scopes="services:read"))):
        yield


@pytest.fixture
def scopes(tmp_path: Path) -> str:
    """A file that gives keys without scopes services:read."""
    path = tmp_path / "scopes.toml"
    path.write_text('default = ["services:read"]\n\n[scopes]\nwrite = ["services:read", "services:write"]\n')
    return str(path)


@pytest.fixture
def drf(tmp_path: Path) -> System:
    return minted("djangorestframework-3.18.3", tmp_path)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write an export file and return its path."""

    def written(text: str) -> str:
        path = tmp_path / "keys.csv"
        path.write_text(text)
        return str(path)

    return written
