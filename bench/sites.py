"""The two Django projects of a run, each with its database full of rows: to be served, to be looked into."""

import multiprocessing
import os
import re
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import psycopg

from bench import inside
from bench.candidates import KEYHOUSE, PROJECT, Credentials
from tests.installation import ADMIN, Installation, Server, free_port, serving
from tests.installation import PROJECT as FOLDER

SPAWN = multiprocessing.get_context("spawn")
TOKEN_LIFE = ("access_token_seconds = 900 ", "access_token_seconds = 86_400 ")  # longer than a run


@dataclass
class Site:
    """A project with its database and, by kind, the credentials that it takes."""

    installation: Installation
    is_keyhouse: bool
    credentials: Credentials

    def serve(self) -> AbstractContextManager[Server]:
        """Run one server process: a new one, which stays on the core that is chosen here."""
        port = free_port()
        command = [sys.executable, "-m", "bench.project", str(port)]
        if self.is_keyhouse:
            manage_py = str(FOLDER / "manage.py")
            command = [sys.executable, manage_py, "serve", "--bind", f"127.0.0.1:{port}", "--workers", "1"]
        return serving(command, port, self.installation.environment)

    def process(self) -> ProcessPoolExecutor:
        """Return a process in which functions of bench.inside can run."""
        environment = self.installation.environment
        return ProcessPoolExecutor(1, SPAWN, initializer=inside.prepare, initargs=(environment,))

    def call(self, function: str, *arguments: Any, **options: Any) -> Any:
        """Call "module:function" in a process that ends then."""
        with self.process() as process:
            return process.submit(inside.call, function, *arguments, **options).result()


def keyhouse_installation(
    folder: Path, server: str, *, rows: int, name: str = KEYHOUSE, leave_out: Sequence[str] = ()
) -> Installation:
    """Return Keyhouse in a folder and a database of its own, set up; only the administrator is in it.

    `leave_out` are tables that its profile does not have.
    """
    folder.mkdir()
    profile = folder / "keyhouse.toml"
    text = (FOLDER / "config" / "profiles" / "keyhouse.toml").read_text()
    for table in leave_out:
        text = re.sub(rf"^\[{table}\].*?(?=^\[)", "", text, flags=re.MULTILINE | re.DOTALL)
    profile.write_text(text.replace(*TOKEN_LIFE))
    settings = {"DJANGO_SETTINGS_MODULE": "bench.keyhouse.settings", "KEYHOUSE_PROFILE": str(profile)}
    installation = Installation(folder, database(server, name, rows), settings)
    done = installation.manage("setup", **ADMIN)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return installation


def keyhouse(folder: Path, server: str, *, rows: int, used: int, **how: Any) -> Site:
    """Return Keyhouse with `rows` keys of as many people, and the text of `used` of them."""
    site = Site(keyhouse_installation(folder, server, rows=rows, **how), True, {})
    site.credentials = site.call("bench.keyhouse.fill:fill", rows, used)
    return site


def project(
    folder: Path, server: str, *, rows: int, used: int, fill: str = "bench.project.fill:fill"
) -> Site:
    """Return the project of the peers with as many credentials of each kind that `fill` makes."""
    settings = {"DJANGO_SETTINGS_MODULE": "bench.project.settings", "SECRET_KEY": "k" * 50}
    site = Site(Installation(folder, database(server, PROJECT, rows), settings), False, {})
    site.call("django.core.management:call_command", "migrate", verbosity=0)
    site.credentials = site.call(fill, rows, used)
    return site


def database(server: str, name: str, rows: int) -> str:
    """Make an empty database and return its URL."""
    host = parse_qs(urlsplit(server).query)["host"][0]
    with psycopg.connect(host=host, user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}_{rows}"')
    return f"postgres://postgres@/{name}_{rows}?host={quote(host, safe='')}"


@contextmanager
def on_core(number: int) -> Iterator[None]:
    """Let processes that are started in the block run on one core; do nothing where there is only one."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(cores) < 2:
        with nullcontext():
            yield
        return
    os.sched_setaffinity(0, {cores[number]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
