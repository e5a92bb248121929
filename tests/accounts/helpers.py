"""What several tests of accounts need: callers, tokens of one's own making, threads, counted queries."""

import base64
import hmac
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import jwt
import pytest
from django.conf import settings
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from msgspec.structs import replace

from access.principals import Caller, Credential
from accounts.models import User
from accounts.users.principals import principal_of
from audit.actors import Origin
from config import profiles
from tests.conftest import Api

T = TypeVar("T")
TRANSACTIONS = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")
LOOKS = 600  # of a twentieth of a second: far more than anything takes

rows_are_locked = pytest.mark.skipif(
    connection.vendor == "sqlite", reason="SQLite locks the whole database, not rows"
)


def origin_at(moment: datetime) -> Origin:
    return Origin("192.0.2.1", "a-request", moment)


def ago(**length: float) -> Origin:
    """From somewhere, some time ago."""
    return origin_at(datetime.now(UTC) - timedelta(**length))


def caller_as(user: User, *scopes: str) -> Caller:
    """A person who has logged in, or, with scopes, a key of theirs that has these."""
    principal = principal_of(user, Credential("jwt", "a-session", proven_at=datetime.now(UTC)))
    if scopes:
        principal = principal.narrowed(frozenset(scopes), Credential("key", "a-key"))
    return Caller(principal, Origin.here())


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def sign(claims: Any, *, key: str | None = None, digest: str = "sha256", **head: Any) -> str:
    """A token with these claims and header members, under the signature that belongs to it."""
    text = f"{encoded({'alg': 'HS256', 'typ': 'JWT'} | head)}.{encoded(claims)}"
    secret = settings.JWT_SIGNING_KEY if key is None else key
    return f"{text}.{unpadded(hmac.digest(secret.encode(), text.encode(), digest))}"


def encoded(document: Any) -> str:
    """The part of a token that stands for `document`."""
    return unpadded(json.dumps(document).encode())


def unpadded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def with_token(token: str) -> Api:
    return Api({"Authorization": f"Bearer {token}"})


def at_once(work: Callable[[int], T], *, times: int) -> list[T]:
    """Run `work(0)` … `work(times - 1)` in as many threads, all let go at the same moment."""
    gate = threading.Barrier(times)

    def run(number: int) -> T:
        gate.wait(timeout=30)
        try:
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))


def connections_to(server: socket.socket) -> int:
    """How many have come, and were not accepted yet."""
    server.setblocking(False)
    count = 0
    with suppress(BlockingIOError):
        while True:
            server.accept()[0].close()
            count += 1
    return count


@contextmanager
def waiting(work: Callable[[], T], *, holding: Callable[[], object]) -> "Iterator[Future[T]]":
    """Run the block while `work` waits, in a thread of its own, for a row that `holding` has locked here.

    Then that is committed, and `work` goes on to its end. On PostgreSQL.
    """

    def run() -> T:
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            holding()
            working = pool.submit(run)
            until_somebody_waits(working)
            assert not working.done()
            yield working
        working.result(timeout=60)


def until_somebody_waits(work: "Future[Any]") -> None:
    """Return once somebody waits for a lock of another transaction, or `work` has ended."""
    for _ in range(LOOKS):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0] or wait([work], timeout=0.05).done:
                return
    raise AssertionError("nobody waited, and nothing was done")


@contextmanager
def serving(table: str, **members: Any) -> Iterator[None]:
    """Serve the active profile with other members in one of its tables."""
    profile = profiles.active()
    changed = replace(getattr(profile.file, table), **members)
    with profiles.override(profiles.Profile(profile.source, replace(profile.file, **{table: changed}))):
        yield


def statements(captured: CaptureQueriesContext) -> list[str]:
    """The captured statements without those that only delimit transactions."""
    found = [query["sql"] for query in captured.captured_queries]
    return [sql for sql in found if not sql.startswith(TRANSACTIONS)]


def longest_list(captured: CaptureQueriesContext) -> int:
    """The number of values in the longest `IN (…)` of the captured statements."""
    lists: list[str] = re.findall(r" IN \(([^()]*)\)", "\n".join(statements(captured)))
    return max(each.count(",") + 1 for each in lists)
