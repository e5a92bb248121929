"""Counters of attempts in Valkey (or Redis): one script each, which nothing comes between."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.conf import settings
from redis import Redis

from accounts.throttling import Count, Counter

PREFIX = b"{keyhouse}:attempts:"  # the braces keep all keys of a script in one slot of a cluster
TIMEOUT_SECONDS = 1.0

_ADD = """
    local now, seconds, found = tonumber(ARGV[1]), tonumber(ARGV[2]), {}
    for i, key in ipairs(KEYS) do
        local ends_at = tonumber(redis.call('HGET', key, 'ends_at') or '0')
        if ends_at <= now then
            ends_at = now + seconds
            redis.call('HSET', key, 'attempts', 0, 'ends_at', ends_at)
            redis.call('EXPIRE', key, seconds)
        end
        found[i] = {redis.call('HINCRBY', key, 'attempts', 1), ends_at}
    end
    return found
"""
_TAKE_BACK = """
    local latest = tonumber(ARGV[1])
    for i, key in ipairs(KEYS) do
        local attempts = tonumber(redis.call('HGET', key, 'attempts') or '0')
        local ends_at = tonumber(redis.call('HGET', key, 'ends_at') or '0')
        if attempts > 0 and ends_at <= latest then
            redis.call('HSET', key, 'attempts', ARGV[i + 1] == '0' and 0 or attempts - 1)
        end
    end
"""


def add(counters: Sequence[Counter], *, now: int, seconds: int) -> dict[bytes, Count]:
    """As accounts.services.database_counts. Raises RedisError."""
    found = _run(_ADD, counters, now, seconds)
    return {counter.digest: Count(*count) for counter, count in zip(counters, found, strict=True)}


def take_back(counters: Sequence[Counter], *, emptied: str, now: int, seconds: int) -> None:
    """As accounts.services.database_counts. Raises RedisError."""
    _run(_TAKE_BACK, counters, now + seconds, *(0 if each.scope == emptied else 1 for each in counters))


def _run(script: str, counters: Sequence[Counter], *values: int) -> Any:
    keys = [PREFIX + counter.digest.hex().encode() for counter in counters]
    return _client(settings.VALKEY_URL).register_script(script)(keys=keys, args=values)


@cache
def _client(url: str) -> Redis:
    return Redis.from_url(url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS)
