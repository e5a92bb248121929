"""Keyhouse as an operator has it: real commands, real server processes, a database of its own."""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qs, quote, urlsplit

import psycopg
import pytest

from tests.running import warm

PROJECT = Path(__file__).parent.parent
MANAGE_PY = [sys.executable, str(PROJECT / "manage.py")]  # what warm.manage_py stands for
HASHES_FAST = {"DJANGO_SETTINGS_MODULE": "tests.running.served_settings"}
# For races, since a hash keeps a login busy longest, and for copies of the project, which have no tests.
HASHES_WHOLE = {"DJANGO_SETTINGS_MODULE": "config.settings"}
START_SECONDS = 60
SQLITE_FILE = "keyhouse.sqlite3"
ADMIN = {
    "KEYHOUSE_ADMIN_USERNAME": "admin",
    "KEYHOUSE_ADMIN_EMAIL": "admin@example.org",
    "KEYHOUSE_ADMIN_PASSWORD": "a harbour full of small boats",
}


@dataclass(frozen=True)
class Answer:
    """What came back over HTTP."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Installation:
    """An installation in a folder, with its own environment; nothing of ours is in it but PATH.

    Forks hash passwords as fast as the process of the tests does; a Python of its own has the real settings.
    """

    folder: Path
    database_url: str
    settings: dict[str, str] = field(default_factory=dict)
    manage_py: list[str] = field(default_factory=warm.manage_py)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "KEYHOUSE_DATA_DIR": str(self.folder / "var"),
            "DATABASE_URL": self.database_url,
            **({} if self.manage_py == MANAGE_PY else HASHES_FAST),
            **self.settings,
        }

    def manage(self, *arguments: str, stdin: str = "", **settings: str) -> "subprocess.CompletedProcess[str]":
        """Run a management command to its end, without a terminal."""
        return subprocess.run(
            [*self.manage_py, *arguments],
            input=stdin,
            text=True,
            capture_output=True,
            timeout=300,
            env=self.environment | settings,
        )

    def manage_json(self, *arguments: str, stdin: str = "") -> Any:
        """Run a command with --json and return its document; fail with what it said on stderr."""
        done = self.manage(*arguments, "--json", stdin=stdin)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one SQL statement in a transaction of its own, past all of Keyhouse, and return its rows."""
        if self.database_url.startswith("sqlite"):
            with closing(sqlite3.connect(self.folder / SQLITE_FILE, timeout=30)) as file, file:
                return file.execute(statement).fetchall()
        with psycopg.connect(self.database_url) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def serve(self, *arguments: str, **settings: str) -> Iterator["Server"]:
        """Run the production server on a free port until the block ends."""
        port = free_port()
        command = [*self.manage_py, "serve", "--bind", f"127.0.0.1:{port}", *arguments]
        with serving(command, port, self.environment | settings) as server:
            yield server


@contextmanager
def serving(
    command: list[str], port: int, environment: dict[str, str], *, awaited: str = "/ready"
) -> Iterator["Server"]:
    """Run a server, and its workers, until the block ends; it listens once it has printed `awaited`."""
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="backslashreplace",  # proxies print what clients sent
        env=environment,
        cwd=PROJECT,
    ) as process:
        server = Server(port, process, awaited)
        server.printed.start()
        try:
            server.wait()
            yield server
        finally:
            process.terminate()
            process.wait(timeout=60)
            server.printed.join(timeout=60)
            if process.returncode not in {0, -15}:
                print(server.output)  # pytest shows it with the failure


class Printed(threading.Thread):
    """What a process prints, read as it comes: its pipe never fills up, and one can wait for a word."""

    def __init__(self, stream: IO[str], awaited: str) -> None:
        super().__init__(daemon=True)
        self.stream, self.awaited = stream, awaited
        self.lines: list[str] = []
        self.has_come = False
        self.has_come_or_ended = threading.Event()

    def run(self) -> None:
        for line in self.stream:
            self.lines.append(line)
            if self.awaited in line:
                self.has_come = True
                self.has_come_or_ended.set()
        self.has_come_or_ended.set()


@dataclass
class Server:
    """A running server."""

    port: int
    process: "subprocess.Popen[str]"
    awaited: str = "/ready"

    def __post_init__(self) -> None:
        assert self.process.stdout is not None
        self.printed = Printed(self.process.stdout, self.awaited)

    @property
    def output(self) -> str:
        """What it has printed so far: all of it, once it has ended."""
        return "".join(self.printed.lines)

    def request(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, body: Any = None
    ) -> Answer:
        """Send one request on a connection of its own; a body that is not bytes is sent as JSON."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=120)
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        kind = {} if body is None else {"Content-Type": "application/json"}
        try:
            connection.request(method, path, body=data, headers=kind | (headers or {}))
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def wait(self) -> None:
        """Return once the server listens: it says so by printing where to go."""
        self.printed.has_come_or_ended.wait(START_SECONDS)
        assert self.printed.has_come, f"the server did not start:\n{self.output}"


def log_in_as_admin(server: Server) -> dict[str, str]:
    """The Authorization header of the administrator of ADMIN, logged in at this server."""
    body = {"username": ADMIN["KEYHOUSE_ADMIN_USERNAME"], "password": ADMIN["KEYHOUSE_ADMIN_PASSWORD"]}
    answer = server.request("POST", "/api/v1/auth/login", body=body)
    assert answer.status == 200, answer.body
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def free_port() -> int:
    """A port of this machine on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def host_of(server: str) -> str:
    """The folder of the socket of the PostgreSQL at a URL."""
    return parse_qs(urlsplit(server).query)["host"][0]


@contextmanager
def fresh_database(folder: Path) -> Iterator[str]:
    """The URL of an empty database: in the PostgreSQL of this run, or an SQLite file."""
    with _database(folder, like=None) as url:
        yield url


@contextmanager
def copy_of(original: Installation, folder: Path) -> Iterator[Installation]:
    """An installation in `folder` with the secrets and the data of another, on which nothing runs."""
    shutil.copytree(original.folder / "var", folder / "var")
    with _database(folder, like=original) as url:
        yield Installation(folder, url)


@contextmanager
def _database(folder: Path, *, like: Installation | None) -> Iterator[str]:
    server = os.environ.get("KEYHOUSE_TEST_SERVER")
    if not server:
        if like is not None:
            shutil.copy(like.folder / SQLITE_FILE, folder / SQLITE_FILE)
        yield f"sqlite:///{folder / SQLITE_FILE}"
        return
    host = host_of(server)
    name = f"keyhouse_{uuid.uuid4().hex}"
    template = f'TEMPLATE "{urlsplit(like.database_url).path[1:]}"' if like else ""
    with psycopg.connect(host=host, user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" {template}')
        try:
            yield f"postgres://postgres@/{name}?host={quote(host, safe='')}"
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def bare_installation(tmp_path: Path) -> Iterator[Installation]:
    """An installation that nobody has set up yet."""
    with fresh_database(tmp_path) as url:
        yield Installation(tmp_path, url)


@pytest.fixture(scope="session")
def after_migration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation with all tables and nobody in them, for others to be copies of."""
    from tests.running import migrated  # which makes one of these

    folder = tmp_path_factory.mktemp("migrated")
    with fresh_database(folder) as url:
        (folder / "var").mkdir(mode=0o700)
        migrated.fill(url)
        yield Installation(folder, url)


@pytest.fixture
def migrated_installation(after_migration: Installation, tmp_path: Path) -> Iterator[Installation]:
    """An installation before its first start, but for the tables: making them takes three times as long."""
    with copy_of(after_migration, tmp_path) as copy:
        yield copy


@pytest.fixture(scope="session")
def after_first_start(
    after_migration: Installation, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """An installation after its first start, for others to be copies of."""
    with copy_of(after_migration, tmp_path_factory.mktemp("first")) as original:
        done = original.manage("setup", **ADMIN)
        assert done.returncode == 0, done.stderr
        yield original


@pytest.fixture
def installation(after_first_start: Installation, tmp_path: Path) -> Iterator[Installation]:
    """An installation after its first start, with the administrator of tests.installation.ADMIN."""
    with copy_of(after_first_start, tmp_path) as copy:
        yield copy


@pytest.fixture(scope="module")
def module_installation(
    after_first_start: Installation, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """The same for all tests of a module, none of which may mind what the others leave in it."""
    with copy_of(after_first_start, tmp_path_factory.mktemp("module")) as copy:
        yield copy
