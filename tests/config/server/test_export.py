"""A CSV export to a slow reader, over a real connection, keeps neither a thread nor a database connection."""

import asyncio
import csv
import io
import socket
import threading
from collections.abc import Iterator
from http.cookies import SimpleCookie
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.db import connection as database
from django.db import connections
from django.utils import timezone

from access.backoffice.spool import KEPT_FOR_ONE
from apikeys.models import ApiKey
from config.server import limits
from config.server.connection import answer
from config.server.connection.connection import Connection
from config.wsgi import application
from tests.admin.helpers import page
from tests.config.server.serving import HOST, PATIENCE_SECONDS, Serving, all_of, connect, get, serving
from tests.conftest import Cast
from tests.logins import browser

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.requirement(104)]

SOON = 0.2  # seconds
ROWS = 400
SMALL = 4096  # bytes in the buffers of the sockets
LIST = "apikeys_apikey_changelist"


@pytest.fixture
def keys(cast: Cast) -> None:
    """Keys whose export is many times as long as all buffers."""
    ApiKey.objects.bulk_create(
        ApiKey(
            name=f"key {number}",
            user=cast.ada,
            environment="live",
            scopes=["s" * 2000],
            digest=number.to_bytes(32),
            pepper=1,
            key_prefix=f"prefix{number}",
            created_at=timezone.now(),
        )
        for number in range(ROWS)
    )


@pytest.fixture
def server(keys: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serving]:
    """A server with one thread for the admin, and with small buffers."""
    monkeypatch.setattr(limits, "OTHER_THREADS", 1)
    with serving(application) as found:
        found.worker.sockets[0].sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
        yield found
        disconnect = found.edge._pools.pool_for("GET", "/admin/").threads.run(connections.close_all)
        asyncio.run_coroutine_threadsafe(disconnect, found.worker.loop).result(PATIENCE_SECONDS)


@pytest.fixture
def cookies(cast: Cast) -> SimpleCookie:
    """Those of an administrator's browser."""
    client = browser(cast.ada)
    client.get(page(LIST))
    return client.cookies


def header(cookies: SimpleCookie) -> str:
    return "Cookie: " + "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items())


def export(server: Serving, cookies: SimpleCookie) -> socket.socket:
    """A client that has asked for all keys as CSV, and has read nothing."""
    row = ApiKey.objects.values_list("pk", flat=True)[0]
    form = {"action": "export", "select_across": "1", "index": "0", "_selected_action": row}
    body = urlencode(form | {"csrfmiddlewaretoken": cookies[settings.CSRF_COOKIE_NAME].value}).encode()
    head = (
        f"POST {page(LIST)} HTTP/1.1\r\nHost: localhost\r\n{header(cookies)}\r\nConnection: close\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    client.settimeout(PATIENCE_SECONDS)
    client.connect((HOST, server.port))
    client.sendall(head.encode() + body)
    return client


def status_of(client: socket.socket) -> bytes:
    return client.recv(12, socket.MSG_PEEK | socket.MSG_WAITALL)


def rows_in(received: bytes) -> list[dict[str, str]]:
    text = received.partition(b"\r\n\r\n")[2].decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def open_transactions() -> int:
    """How many other connections to the database are in use."""
    if database.vendor != "postgresql":
        return 0
    statement = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'"
        " AND pid <> pg_backend_pid()"
    )
    with database.cursor() as cursor:
        cursor.execute(statement)
        found: int = cursor.fetchone()[0]
    return found


def test_readers_that_read_nothing_leave_the_thread_and_its_database_connection_free(
    server: Serving, cookies: SimpleCookie
) -> None:
    slow = [export(server, cookies) for _ in range(KEPT_FOR_ONE)]
    assert [status_of(client) for client in slow] == [b"HTTP/1.1 200"] * KEPT_FOR_ONE
    assert open_transactions() == 0
    with connect(server.port) as client:
        client.sendall(get(page("accounts_user_changelist"), header(cookies), "Connection: close"))
        assert all_of(client).startswith(b"HTTP/1.1 200 ")
    for client in slow:
        assert len(rows_in(all_of(client))) == ROWS
        client.close()


def test_a_slow_reader_gets_the_whole_export_and_a_new_deadline_each_time_it_reads(
    monkeypatch: pytest.MonkeyPatch, server: Serving, cookies: SimpleCookie
) -> None:
    resume = Connection.resume_writing
    timers: list[asyncio.TimerHandle | None] = []

    def also_note(self: Connection) -> None:
        resume(self)
        if not self._closed:
            timers.append(self._end_timer)

    monkeypatch.setattr(Connection, "resume_writing", also_note)
    with export(server, cookies) as client:
        received = b""
        while piece := client.recv(SMALL):
            received += piece
    assert [row["name"] for row in rows_in(received)] == [f"key {n}" for n in reversed(range(ROWS))]
    assert len(timers) > len(received) // (4 * 65536)
    assert set(timers) == {None}


def test_a_reader_that_stops_reading_loses_its_connection_and_its_export_is_closed(
    monkeypatch: pytest.MonkeyPatch, server: Serving, cookies: SimpleCookie
) -> None:
    end, ended = Connection.end, threading.Semaphore(0)

    def also_tell(self: Connection) -> None:
        end(self)
        ended.release()

    monkeypatch.setattr(answer, "READ_SECONDS", SOON)
    monkeypatch.setattr(Connection, "end", also_tell)
    dead = [export(server, cookies) for _ in range(KEPT_FOR_ONE)]
    assert [status_of(client) for client in dead] == [b"HTTP/1.1 200"] * KEPT_FOR_ONE
    assert all(ended.acquire(timeout=PATIENCE_SECONDS) for _ in dead)
    assert all(len(rows_in(all_of(client))) < ROWS for client in dead)
    monkeypatch.undo()
    while status_of(client := export(server, cookies)) != b"HTTP/1.1 200":  # "You are downloading 2 exports."
        client.close()
    assert len(rows_in(all_of(client))) == ROWS
    client.close()
