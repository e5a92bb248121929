from collections.abc import Iterator

import pytest

from tests.postgres import Postgres, started


@pytest.fixture
def database() -> Iterator[Postgres]:
    """A PostgreSQL of the test's own, to be stopped and started."""
    with started() as server:
        yield server
