"""The commands of pages about PostgreSQL do what the pages say, with a PostgreSQL of their own."""

import os
import re
from pathlib import Path

import pytest

from tests.documentation.terminals import page, run_page
from tests.gateway.proxies.running import PLACES
from tests.postgres import Postgres, binaries

pytestmark = [pytest.mark.once, pytest.mark.slow]

NAMED = re.compile(r"postgres://keyhouse:PASSWORD@[\w.:]+/(\w+)")  # a database on the pages


def run_with(database: Postgres, text: str, tree: Path) -> None:
    """Run the commands of a page, with this server in place of the one that it names."""
    text = NAMED.sub(rf"postgres://keyhouse@/\1?host={database.folder}", text)
    programs = os.pathsep.join([str(binaries()), PLACES])
    run_page(text, tree, PATH=programs, PGHOST=str(database.folder), PGUSER="postgres")


def test_an_installation_moves_as_the_page_says(used_tree: Path, database: Postgres) -> None:
    run_with(database, page("docs/how-to/postgresql.md"), used_tree)


IN_USE = """
```console title="PostgreSQL"
$ createdb --owner=keyhouse keyhouse
$ export DATABASE_URL=postgres://keyhouse:PASSWORD@db.example.org/keyhouse
$ ./run manage setup
Administrator admin (admin@localhost) created.
```
"""


def test_a_new_installation_goes_to_production_as_the_page_says(tree: Path, database: Postgres) -> None:
    run_with(database, page("docs/how-to/production.md"), tree)


def test_a_backup_is_restored_as_the_page_says(tree: Path, database: Postgres) -> None:
    _, _, postgresql = page("docs/how-to/backup.md").partition("## PostgreSQL")
    run_with(database, IN_USE + postgresql, tree)
