from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.commands.start.tree import warm_tree
from tests.documentation.terminals import Step, opened
from tests.gateway.proxies.running import PLACES
from tests.postgres import Postgres, started


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return warm_tree(tmp_path)


@pytest.fixture
def used_tree(tree: Path) -> Path:
    """A clone in which Keyhouse has been started once."""
    with opened(tree, {"PATH": PLACES}) as terminal:
        terminal.run(Step("./run manage setup"))
    return tree


@pytest.fixture
def database() -> Iterator[Postgres]:
    """A PostgreSQL of the test's own, with the role that the pages name."""
    with started() as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("CREATE ROLE keyhouse LOGIN")
        yield server
