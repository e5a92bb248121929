"""serve: the production server as a process."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from config.env import ConfigurationError
from tests.commands.helpers import assert_one_line, output_of, refusal_of
from tests.installation import (
    ADMIN,
    MANAGE_PY,
    PROJECT,
    START_SECONDS,
    Installation,
    Server,
    free_port,
    log_in_as_admin,
)

pytestmark = pytest.mark.once


@pytest.mark.fast
def test_it_announces_where_it_is_and_stops_when_told(module_installation: Installation) -> None:
    with replace(module_installation, manage_py=MANAGE_PY).serve() as server:
        url = f"http://127.0.0.1:{server.port}"
        assert server.request("GET", "/ready").status == 200
    assert server.process.returncode == 0
    assert server.output.splitlines() == [
        "profile: Keyhouse",
        f"api:     {url}/api/v1",
        f"docs:    {url}/docs",
        f"console: {url}/account/",
        f"admin:   {url}/admin/",
        f"try:     curl {url}/ready",
    ]


def test_with_json_it_prints_one_document_with_the_public_address(module_installation: Installation) -> None:
    with module_installation.serve("--json", KEYHOUSE_PUBLIC_URL="https://keys.example.org/") as server:
        assert server.request("GET", "/health").status == 200
    assert json.loads(server.output) == {
        "profile": "Keyhouse",
        "api": "https://keys.example.org/api/v1",
        "docs": "https://keys.example.org/docs",
        "console": "https://keys.example.org/account/",
        "admin": "https://keys.example.org/admin/",
        "try": "curl https://keys.example.org/ready",
    }


def test_with_setup_it_sets_up_warns_once_and_serves(migrated_installation: Installation) -> None:
    with migrated_installation.serve("--setup", KEYHOUSE_PUBLIC_ULR="x", **ADMIN) as server:
        log_in_as_admin(server)  # its workers hash passwords, as the process did that they come from
    assert server.output.count("Administrator admin (admin@example.org) created.\n") == 1
    assert server.output.count("warning: ") == 1


def test_with_setup_and_json_it_does_nothing(migrated_installation: Installation) -> None:
    done = migrated_installation.manage("serve", "--setup", "--json", **ADMIN)
    assert_one_line(done, "--setup: not with --json; run setup --json before")
    assert migrated_installation.manage_json("auditverify")["events"] == 0


def children(server: Server) -> list[int]:
    """Return the server's workers."""
    tasks = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    return [int(number) for number in tasks.read_text().split()]


def successor(server: Server, worker: int) -> int:
    """Wait for the replacement of `worker`, and return it."""
    end = time.monotonic() + START_SECONDS
    while (found := children(server)) in ([worker], []):
        assert time.monotonic() < end, "no worker replaced it"
        time.sleep(0.02)  # the arbiter does not announce a new worker; a busy loop would take its core
    return found[-1]


def test_a_worker_that_is_killed_is_replaced(module_installation: Installation) -> None:
    with replace(module_installation, manage_py=MANAGE_PY).serve("--workers", "1") as server:
        assert server.request("GET", "/health").status == 200
        (worker,) = children(server)
        for kind in (signal.SIGTERM, signal.SIGKILL):
            os.kill(worker, kind)
            worker = successor(server, worker)
            assert server.request("GET", "/health").status == 200
    assert server.process.returncode == 0


def test_it_stops_on_an_interrupt_too(module_installation: Installation) -> None:
    with replace(module_installation, manage_py=MANAGE_PY).serve() as server:
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(timeout=60) == 0


def test_a_port_in_use_is_reported(module_installation: Installation) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert_one_line(module_installation.manage("serve", "--bind", address), address, "in use")
        assert_one_line(module_installation.manage("serve", KEYHOUSE_BIND=address), address, "in use")


@pytest.mark.parametrize("bind", ["", "8000", "localhost", ":8000", "127.0.0.1:http", "127.0.0.1:70000"])
def test_a_bind_that_is_not_an_address_is_named(bind: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^--bind: .*HOST:PORT"):
        output_of("serve", f"--bind={bind}")


def test_port_0_is_refused(module_installation: Installation) -> None:
    assert_one_line(module_installation.manage("serve", "--bind", "127.0.0.1:0"), "must have a port")


def test_an_address_of_another_machine_is_refused(module_installation: Installation) -> None:
    done = module_installation.manage("serve", "--bind", "192.0.2.1:8000")
    assert_one_line(done, "cannot listen on 192.0.2.1:8000: ")


@pytest.mark.parametrize("workers", ["0", "-1", "two"])
def test_it_needs_a_worker(workers: str) -> None:
    said = refusal_of("serve", "--workers", workers)
    assert "--workers" in said and said.isprintable()


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"SECRET_KEY": "short and weak"}, "SECRET_KEY"),
        ({"SECRET_KEY": "a" * 64}, "SECRET_KEY"),
        ({"SECRET_KEY": "django-insecure-dQ8cZ0rVn3XkT5bHs7LpGf2YwMj4E6uA"}, "SECRET_KEY"),
        ({"DEBUG": "true"}, "DEBUG"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS"),
        ({"ALLOWED_HOSTS": "keys.example.org, .*"}, "ALLOWED_HOSTS"),
    ],
)
@pytest.mark.requirement(89)
def test_it_does_not_serve_with_unsafe_settings(
    module_installation: Installation, settings: dict[str, str], name: str
) -> None:
    done = module_installation.manage("serve", "--bind", f"127.0.0.1:{free_port()}", **settings)
    assert_one_line(done, name)
    assert settings[name] not in done.stderr or len(settings[name]) < 10


def test_nothing_is_served_by_a_process_that_cannot_print(module_installation: Installation) -> None:
    """A closed pipe, as in `serve | head -1`, ends the server."""
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.Popen(
        [sys.executable, str(PROJECT / "manage.py"), "serve", "--bind", f"127.0.0.1:{free_port()}"],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        env=module_installation.environment,
    )
    os.close(writer)
    assert process.communicate(timeout=60) and process.returncode != 0
