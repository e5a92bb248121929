"""The result of all migrations, made once for a state of the code and kept: each run begins with a copy."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

import psycopg

from tests.installation import PROJECT, Installation, host_of
from tests.postgres import QUIET, binaries

KEPT = PROJECT / ".pytest_cache" / "migrated"
DECIDES = (
    "*/migrations/*.py",
    "*/provider_migrations/*.py",
    "audit/triggers.py",
    "config/settings.py",
    "requirements.txt",
)


def prepare(name: str) -> None:
    """Make a migrated database: in the PostgreSQL of this run under this name, or an SQLite file there."""
    server = os.environ.get("KEYHOUSE_TEST_SERVER")
    if server:
        _prepare_postgres(host_of(server), name)
    else:
        _prepare_sqlite(Path(name))


def _prepare_sqlite(target: Path) -> None:
    kept = _kept(".sqlite3")
    if not kept.exists():
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder) / "made"
            _migrate(Path(folder), f"sqlite:///{made}")
            _keep(made, kept)
    shutil.copy(kept, target)


def _prepare_postgres(host: str, name: str) -> None:
    with psycopg.connect(host=host, user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    kept = _kept(".sql")
    if kept.exists():
        _run("psql", host, "--single-transaction", "--set=ON_ERROR_STOP=1", "--file", str(kept), name)
        return
    with tempfile.TemporaryDirectory() as folder:
        _migrate(Path(folder), f"postgres://postgres@/{name}?host={quote(host, safe='')}")
        made = Path(folder) / "made"
        _run("pg_dump", host, "--file", str(made), name)
        _keep(made, kept)


def _kept(suffix: str) -> Path:
    digest = hashlib.sha256()
    for path in sorted(path for pattern in DECIDES for path in PROJECT.glob(pattern)):
        digest.update(path.read_bytes())
    return KEPT / f"{digest.hexdigest()[:20]}{suffix}"


def _migrate(folder: Path, url: str) -> None:
    done = Installation(folder, url).manage("migrate", "--verbosity=0")
    assert done.returncode == 0, done.stderr


def _keep(made: Path, kept: Path) -> None:
    """Put a file in its place at once: another run may be looking."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=KEPT, delete=False) as copy:
        copy.write(made.read_bytes())
    Path(copy.name).replace(kept)


def _run(program: str, host: str, *arguments: str) -> None:
    command = [str(binaries() / program), "--host", host, "--username", "postgres", *arguments]
    subprocess.run(command, check=True, **QUIET)
