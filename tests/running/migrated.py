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
    "config/database/creation.py",
    "config/settings.py",
    "requirements.txt",
)


def prepare(name: str) -> None:
    """Make a migrated database: in the PostgreSQL of this run under this name, or an SQLite file there."""
    server = os.environ.get("KEYHOUSE_TEST_SERVER")
    if not server:
        fill(f"sqlite:///{name}")
        return
    host = host_of(server)
    with psycopg.connect(host=host, user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    fill(f"postgres://postgres@/{name}?host={quote(host, safe='')}")


def fill(url: str) -> None:
    """Do all migrations of an empty database, by a copy of their result."""
    if url.startswith("sqlite"):
        _fill_sqlite(Path(url.removeprefix("sqlite:///")))
    else:
        _fill_postgres(url)


def _fill_sqlite(target: Path) -> None:
    kept = _kept(".sqlite3")
    if not kept.exists():
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder) / "made"
            _migrate(Path(folder), f"sqlite:///{made}")
            _keep(made, kept)
    shutil.copy(kept, target)


def _fill_postgres(url: str) -> None:
    kept = _kept(".sql")
    if kept.exists():
        _run("psql", url, "--single-transaction", "--set=ON_ERROR_STOP=1", "--file", str(kept))
        return
    with tempfile.TemporaryDirectory() as folder:
        _migrate(Path(folder), url)
        made = Path(folder) / "made"
        _run("pg_dump", url, "--file", str(made))
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


def _run(program: str, url: str, *arguments: str) -> None:
    subprocess.run([str(binaries() / program), "--dbname", url, *arguments], check=True, **QUIET)
