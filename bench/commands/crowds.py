"""./run bench crowds: how long do checks and probes take while others are slow, or many at once?

One server with default settings, but for the limit on logins from one address. Four clients ask for a check
of a key, one of a login token and /health by turns, with pauses, and note how long each answer takes: quiet,
and while a crowd, which is a process of its own, is at the server.
"""

import http.client
import json
import multiprocessing
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from bench.sites import keyhouse
from tests import postgres
from tests.installation import log_in_as_admin

SPAWN = multiprocessing.get_context("spawn")
HOST = "127.0.0.1"
CLIENTS, PAUSE_SECONDS, ROUND_SECONDS, ROUNDS = 4, 0.005, 6.0, 3
SLOW, FLOOD, REVOKERS, CHANGES_A_SECOND = 1000, 100, 64, 10
KEYS = 20_000  # more than are revoked in all rounds
PUBLIC_CLIENT = (
    *("--name", "Phone", "--public", "--redirect-uri", "http://127.0.0.1:9000/callback"),
    *("--scope", "services:read"),
)
HEAD = b"GET /health HTTP/1.1\r\nHost: a\r\nX-A: "
BODY = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{"
LIMITS = "login.address=999999999"  # else the crowd of failed logins is refused before anything is hashed
ORIGINAL = {"X-Original-Method": "GET", "X-Original-URI": "/services/a"}

Headers = dict[str, str]


class Server(NamedTuple):
    """Where a crowd goes, an administrator's headers, keys to revoke, and a public OAuth2 client."""

    port: int
    caller: Headers
    keys: Sequence[str]
    client_id: str


Crowding = Callable[[Server, Any, Any], None]


class Latency(NamedTuple):
    """Milliseconds, and how many answers a second there were."""

    p50: float
    p99: float
    rate: float


class Crowd(NamedTuple):
    """Who else is at the server, what they do, and how many times as long the 99th percentile may be."""

    words: str
    act: Crowding
    goal: float


def main() -> int:
    """Measure each crowd beside quiet in turns, print what was found; return the exit code."""
    with ExitStack() as stack:
        url = stack.enter_context(postgres.running())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="keyhouse-bench-")))
        installation = keyhouse(folder / "keyhouse", url, rows=KEYS, used=1).installation
        client_id = installation.manage_json("createoauthclient", *PUBLIC_CLIENT)["client_id"]
        keys = [str(row[0]) for row in installation.query("SELECT uuid FROM apikeys_apikey")]
        served = stack.enter_context(installation.serve(KEYHOUSE_LIMITS=LIMITS))
        server = Server(served.port, log_in_as_admin(served), keys, client_id)
        asked = [*checks(server), ("/health", {})]
        met = [judge(crowd, server, asked) for crowd in CROWDS]
    return 0 if all(met) else 1


def checks(server: Server) -> list[tuple[str, Headers]]:
    """What is asked of the gateway: a key, and a login token."""
    key = make_key(server)["key"]
    return [
        ("/gateway/check", {"X-API-Key": key, **ORIGINAL}),
        ("/gateway/check", {**server.caller, **ORIGINAL}),
    ]


def judge(crowd: Crowd, server: Server, asked: list[tuple[str, Headers]]) -> bool:
    """Print how long answers take with and without a crowd, and return whether the goal is met."""
    quiet, crowded, done = [], [], []
    for turn in range(ROUNDS):
        quiet.append(latency(server.port, asked))
        with gathered(crowd.act, server._replace(keys=server.keys[turn::ROUNDS])) as count:
            crowded.append(latency(server.port, asked))
            done.append(count.value / ROUND_SECONDS)
    before, during = (Latency(*map(statistics.median, zip(*each, strict=True))) for each in (quiet, crowded))
    times = during.p99 / before.p99
    print(
        f"{crowd.words}: p50 {before.p50:.1f} → {during.p50:.1f} ms,"
        f" p99 {before.p99:.1f} → {during.p99:.1f} ms ({times:.1f} times, goal ≤ {crowd.goal:g});"
        f" answers a second {before.rate:.0f} → {during.rate:.0f};"
        f" the crowd had {statistics.median(done):.1f} answers a second",
        flush=True,
    )
    return times <= crowd.goal


def latency(port: int, asked: list[tuple[str, Headers]]) -> Latency:
    """Ask for ROUND_SECONDS, and return how long it took."""
    took: list[float] = []
    clients = [threading.Thread(target=_ask, args=(port, asked, took)) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    percentiles = statistics.quantiles(took, n=100)
    return Latency(1000 * percentiles[49], 1000 * percentiles[98], len(took) / ROUND_SECONDS)


def _ask(port: int, asked: list[tuple[str, Headers]], took: list[float]) -> None:
    connection, end = http.client.HTTPConnection(HOST, port), time.monotonic() + ROUND_SECONDS
    for path, headers in cycle(asked):
        began = time.perf_counter()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        took.append(time.perf_counter() - began)
        if answer.status != 200:
            raise RuntimeError(f"{path} is {answer.status}")
        if time.monotonic() > end:
            return
        time.sleep(PAUSE_SECONDS)  # the server is to be looked at, not to be loaded


@contextmanager
def gathered(act: Crowding, server: Server) -> Iterator[Any]:
    """Have a crowd at the server as long as the block lasts; yields the number of answers it has got."""
    stop, count = SPAWN.Event(), SPAWN.Value("i", 0)
    crowd = SPAWN.Process(target=act, args=(server, stop, count))
    crowd.start()
    time.sleep(1)  # a crowd does not say when it is complete, and must not be measured while it gathers
    count.value = 0
    try:
        yield count
    finally:
        stop.set()
        crowd.join()


def slow(server: Server, stop: Any, count: Any) -> None:
    """Connections that say nothing, half a head, or half a body; those that have ended come again."""
    said = cycle((b"", HEAD, HEAD + b"a", BODY))
    held: dict[int, socket.socket] = {}
    while not stop.wait(0.5):
        for number in range(SLOW):
            if number not in held:
                held[number] = socket.create_connection((HOST, server.port))
                held[number].sendall(next(said))
                held[number].setblocking(False)
            elif number % 4 == 2 or _has_ended(held[number]):
                try:
                    held[number].sendall(b"a")
                except OSError:
                    del held[number]


def _has_ended(client: socket.socket) -> bool:
    try:
        return bool(client.recv(65536)) or True
    except BlockingIOError:
        return False
    except OSError:
        return True


def revoking(server: Server, stop: Any, count: Any) -> None:
    """64 clients that revoke keys of as many people as there are keys."""
    left = iter(server.keys)

    def client() -> None:
        connection = http.client.HTTPConnection(HOST, server.port)
        while not stop.is_set() and (key := next(left, None)) is not None:
            connection.request("DELETE", f"/api/v1/api-keys/{key}", headers=server.caller)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 204:
                raise RuntimeError(f"a revocation is {answer.status}")
            with count.get_lock():
                count.value += 1

    at_once(client, REVOKERS)


def revoking_nothing(server: Server, stop: Any, count: Any) -> None:
    """100 clients, strangers but for a public client_id, that revoke tokens which never were."""

    def client() -> None:
        while not stop.is_set():
            form = {"client_id": server.client_id, "token": f"oat_{time.monotonic_ns()}"}
            post_form(server.port, "/api/v1/auth/oauth2/revoke", form)
            with count.get_lock():
                count.value += 1

    at_once(client, FLOOD)


def failing_logins(server: Server, stop: Any, count: Any) -> None:
    """100 clients that log in as nobody."""

    def client() -> None:
        while not stop.is_set():
            body = {"username": f"nobody-{time.monotonic_ns()}", "password": "wrong"}
            send(server.port, "POST", "/api/v1/auth/login", {}, body)
            with count.get_lock():
                count.value += 1

    at_once(client, FLOOD)


def changing(server: Server, stop: Any, count: Any) -> None:
    """Somebody who changes ten keys a second that nobody uses."""
    path = f"/api/v1/api-keys/{make_key(server)['id']}"
    while not stop.wait(1 / CHANGES_A_SECOND):
        body = {"name": f"changed-{time.monotonic_ns()}"}
        threading.Thread(target=send, args=(server.port, "PATCH", path, server.caller, body)).start()
        count.value += 1


def at_once(client: Callable[[], None], clients: int) -> None:
    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def make_key(server: Server) -> Any:
    new = {"name": "CI", "scopes": ["services:read"]}
    return send(server.port, "POST", "/api/v1/api-keys", server.caller, new)


def send(port: int, method: str, path: str, headers: Headers, body: Any = None) -> Any:
    """Send one request on a connection of its own; return the JSON of its answer, {} for an empty one."""
    with suppress(OSError, ValueError):
        connection = http.client.HTTPConnection(HOST, port, timeout=60)
        kind = {} if body is None else {"Content-Type": "application/json"}
        connection.request(method, path, body and json.dumps(body), headers={**kind, **headers})
        return json.loads(connection.getresponse().read() or b"{}")
    return {}


def post_form(port: int, path: str, form: dict[str, str]) -> None:
    """Send a form on a connection of its own, and read the answer."""
    with suppress(OSError):
        connection = http.client.HTTPConnection(HOST, port, timeout=60)
        connection.request(
            "POST", path, urlencode(form), {"Content-Type": "application/x-www-form-urlencoded"}
        )
        connection.getresponse().read()


CROWDS = (
    Crowd(f"{SLOW:,} slow or silent clients", slow, 3),
    Crowd(f"{REVOKERS} clients that revoke keys at once", revoking, 3),
    Crowd(f"{FLOOD} strangers who revoke tokens of a public client", revoking_nothing, 5),
    Crowd(f"{FLOOD} failed logins at once", failing_logins, 5),
    Crowd(f"{CHANGES_A_SECOND} unrelated changes a second", changing, 3),
)
