"""A real PgBouncer as docs/pgbouncer/ sets it up: the same file, with free ports and a folder of its own."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from tests.installation import PROJECT, Server, free_port, serving
from tests.postgres import Postgres

DOCUMENTED = PROJECT / "docs" / "pgbouncer" / "pgbouncer.ini"
PLACES = os.pathsep.join([os.environ["PATH"], "/usr/sbin"])  # Debian has it where only root looks
TIME_ZONE = "Europe/Berlin"  # another than ours, which is UTC
ROLE, PASSWORD = "keyhouse", "a-password-of-the-database"


@dataclass(frozen=True)
class Pooler:
    """A running PgBouncer before the database "keyhouse" of a server."""

    database: Postgres
    server: Server

    @property
    def url(self) -> str:
        """The database as PgBouncer's clients name it."""
        return f"postgres://{ROLE}:{PASSWORD}@127.0.0.1:{self.server.port}/keyhouse"

    @property
    def direct(self) -> str:
        """The same database without PgBouncer."""
        return f"postgres://{ROLE}@/keyhouse?{self.database.url.partition('?')[2]}"

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """Ask the database through PgBouncer, as a client of its own."""
        with psycopg.connect(self.url, autocommit=True, prepare_threshold=None) as connection:
            return connection.execute(statement.encode()).fetchall()

    def tell(self, statement: str) -> None:
        """Execute a statement through PgBouncer."""
        with psycopg.connect(self.url, autocommit=True, prepare_threshold=None) as connection:
            connection.execute(statement.encode())

    def admit(self, statement: str) -> None:
        """Send a command such as RECONNECT to PgBouncer's own console."""
        with psycopg.connect(self.url, dbname="pgbouncer", autocommit=True) as connection:
            connection.pgconn.exec_(statement.encode())


def binary() -> str:
    """Return where PgBouncer is. The test is skipped if it is not installed; the summary says so."""
    found = shutil.which("pgbouncer", path=PLACES)
    if found is None:
        pytest.skip("pgbouncer is not installed (apt-get install pgbouncer): docs/pgbouncer/ was not tried")
    return found


def make_database(database: Postgres) -> None:
    """Make the role and the database that the documentation names."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'".encode())
        connection.execute(f"CREATE DATABASE keyhouse OWNER {ROLE}".encode())
        connection.execute(f"ALTER DATABASE keyhouse SET TimeZone = '{TIME_ZONE}'".encode())


@contextmanager
def pooling(database: Postgres, **settings: str) -> Iterator[Pooler]:
    """Run the documented PgBouncer before `database`, with other settings of its own if given."""
    program, port = binary(), free_port()
    text = DOCUMENTED.read_text()
    users = database.folder / "userlist.txt"
    users.write_text(f'"{ROLE}" "{PASSWORD}"\n')
    users.chmod(0o644)
    changed = {"listen_port": str(port), "auth_file": str(users), **settings}
    for name, value in changed.items():
        text, found = re.subn(rf"(?m)^{name} = .*$", f"{name} = {value}", text)
        text += "" if found else f"{name} = {value}\n"
    text, found = re.subn(r"host=127\.0\.0\.1 port=5432", f"host={database.folder} port=5432", text)
    assert found, f"{DOCUMENTED} has no database at 127.0.0.1:5432"
    file = database.folder / f"pgbouncer-{port}.ini"
    file.write_text(text)
    file.chmod(0o644)
    command = [*_as_user(database), program, str(file)]
    with serving(command, port, {"PATH": PLACES}, awaited="process up") as server:
        yield Pooler(database, server)


def _as_user(database: Postgres) -> list[str]:
    """Return the command that starts PgBouncer as another user: it refuses to run as root."""
    if not database.as_user:
        return []
    user, group = database.as_user["user"], database.as_user["group"]
    return ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "--"]
