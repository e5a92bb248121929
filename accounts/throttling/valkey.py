"""Counters of attempts in Valkey (or Redis), changed by one atomic script each."""

import time
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from django.conf import settings

from accounts.throttling.counters import Attempt, Count

if TYPE_CHECKING:  # the import takes a tenth of a command's time, and most installations have no Valkey
    from redis import Redis

NAMESPACE = b"{keyhouse}:"  # the braces keep all keys of a script in one slot of a cluster
PREFIX = NAMESPACE + b"attempts:"
TIMEOUT_SECONDS = 0.5
PAUSE_SECONDS = 5.0  # after a failure, Valkey is not asked for so long, so that requests do not wait for it

_ADD = """
    local now, next_end, found = tonumber(ARGV[1]), tonumber(ARGV[2]), {}
    for i, key in ipairs(KEYS) do
        local ends_at = tonumber(redis.call('HGET', key, 'ends_at') or '0')
        if ends_at <= now then
            ends_at = next_end
            redis.call('HSET', key, 'attempts', 0, 'ends_at', ends_at)
            redis.call('EXPIRE', key, next_end - now)
        end
        found[i] = {redis.call('HINCRBY', key, 'attempts', 1), ends_at}
    end
    return found
"""
_TAKE_BACK = """
    local last_end = tonumber(ARGV[1])
    for i, key in ipairs(KEYS) do
        local attempts = tonumber(redis.call('HGET', key, 'attempts') or '0')
        local ends_at = tonumber(redis.call('HGET', key, 'ends_at') or '0')
        if attempts > 0 and ends_at <= last_end then
            redis.call('HSET', key, 'attempts', ARGV[i + 1] == '0' and 0 or attempts - 1)
        end
    end
"""


class Unreachable(Exception):
    """Valkey does not answer or refuses; the message is one line."""


_rests_until = 0.0  # monotonic seconds


def is_asked() -> bool:
    """Whether Valkey is configured and has not failed in the last PAUSE_SECONDS. Check this first."""
    return bool(settings.VALKEY_URL) and time.monotonic() >= _rests_until


def add(tried: Attempt) -> dict[bytes, Count]:
    """See accounts.throttling.services.Store. Raises Unreachable."""
    found = _run(_ADD, tried, tried.at, tried.ends_at)
    return {each.digest: Count(*count) for each, count in zip(tried.counters, found, strict=True)}


def take_back(tried: Attempt, *, emptied: str = "") -> None:
    """See accounts.throttling.services.Store. Raises Unreachable."""
    _run(_TAKE_BACK, tried, tried.ends_at, *(0 if each.scope == emptied else 1 for each in tried.counters))


def _run(script: str, tried: Attempt, *values: int) -> Any:
    return run(script, [PREFIX + each.digest.hex().encode() for each in tried.counters], values)


def run(script: str, keys: Sequence[bytes], values: Sequence[str | int]) -> Any:
    """Return what a script returns. The names of all keys begin with NAMESPACE. Raises Unreachable."""
    from redis.exceptions import RedisError

    try:
        return _client(settings.VALKEY_URL).register_script(script)(keys=list(keys), args=list(values))
    except RedisError as error:
        _rest(PAUSE_SECONDS)
        raise Unreachable(str(error).partition("\n")[0]) from error


def _rest(seconds: float) -> None:
    global _rests_until
    _rests_until = time.monotonic() + seconds


@cache
def _client(url: str) -> "Redis":
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.exceptions import ConnectionError as BrokenConnection
    from redis.retry import Retry

    return Redis.from_url(
        url,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        # A kept connection may have broken, so try once more; a server that timed out is not asked again.
        retry=Retry(NoBackoff(), 1, supported_errors=(BrokenConnection,)),
    )


def forget() -> None:
    """Ask Valkey again at once; for tests."""
    _rest(0)
