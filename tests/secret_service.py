"""The Secret Service of a desktop without the desktop: gnome-keyring on a D-Bus of its own."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.installation import START_SECONDS

SERVICE = "org.freedesktop.secrets"
PROGRAMS = ("dbus-daemon", "gnome-keyring-daemon")


def is_here() -> bool:
    """Whether the machine has the programs."""
    return all(shutil.which(program) for program in PROGRAMS)


@contextmanager
def running(folder: Path) -> Iterator[dict[str, str]]:
    """Run both with an unlocked keyring in `folder`; yield the variables by which programs find them."""
    if not is_here():  # the end of ./run test says that they were missing
        pytest.skip(f"{' or '.join(PROGRAMS)} is not in PATH")
    folder.mkdir(mode=0o700)
    places = {name: str(folder) for name in ("HOME", "XDG_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_CACHE_HOME")}
    with started(["dbus-daemon", "--session", "--nofork", "--print-address"], {}) as bus:
        assert bus.stdout is not None
        variables = {**places, "DBUS_SESSION_BUS_ADDRESS": bus.stdout.readline().strip()}
        command = ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"]
        with started(command, variables) as keyring:
            assert keyring.stdin is not None
            keyring.stdin.write("a password of the desktop")
            keyring.stdin.close()
            wait_until_unlocked(variables["DBUS_SESSION_BUS_ADDRESS"])
            yield variables


def wait_until_unlocked(bus: str) -> None:
    import secretstorage  # it is installed on Linux alone
    from jeepney.bus_messages import message_bus  # type: ignore[import-untyped]
    from jeepney.io.blocking import open_dbus_connection  # type: ignore[import-untyped]
    from secretstorage.exceptions import SecretStorageException

    with open_dbus_connection(bus) as connection:
        for _ in range(START_SECONDS * 50):
            try:  # to ask a service that has not come yet would start another one
                has_come = connection.send_and_get_reply(message_bus.NameHasOwner(SERVICE)).body[0]
                if has_come and not secretstorage.get_collection_by_alias(connection, "default").is_locked():
                    return
            except SecretStorageException:
                pass
            time.sleep(0.02)  # the daemon says nothing when it is ready
    raise AssertionError("gnome-keyring-daemon has no unlocked keyring")


@contextmanager
def started(command: list[str], variables: dict[str, str]) -> "Iterator[subprocess.Popen[str]]":
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    surroundings = {"PATH": os.environ["PATH"], **variables}
    with subprocess.Popen(command, env=surroundings, text=True, **pipes) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            process.terminate()
