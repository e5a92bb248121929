"""Units of quotas that all processes share in Valkey, so that no process holds units that another one lacks.

A process took them from the database before (apikeys.quotas.ledger). If Valkey loses its data, some units are
lost, but no request too many is allowed.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime

from access.key_limits import Budgets, Quota
from accounts.throttling import valkey
from apikeys.quotas import ledger
from apikeys.quotas.ledger import Taken
from apikeys.quotas.periods import day_of
from apikeys.quotas.states import State

PREFIX = valkey.NAMESPACE + b"quota:"
KEPT_SECONDS = 40 * 86_400

# Each key is a hash: `units` that are there, their `tag` (a day and budgets), the `day` that they count on
# in the database, and what was `left` there beside them.
_USE = """
    local found = {}
    for i, key in ipairs(KEYS) do
        local held = redis.call('HMGET', key, 'units', 'tag', 'day', 'left')
        if held[2] and held[2] ~= ARGV[i] then
            redis.call('DEL', key)
            return {i, held[1], held[3]}
        end
        if not held[2] or tonumber(held[1]) < 1 then return {i, 0, ''} end
        found[i] = {held[1] - 1, held[3], held[4]}
    end
    for _, key in ipairs(KEYS) do redis.call('HINCRBY', key, 'units', -1) end
    return {0, unpack(found)}
"""
_ADD = """
    local units, tag, day, left, kept = unpack(ARGV)
    local old = redis.call('HMGET', KEYS[1], 'units', 'tag', 'day')
    redis.call('HSET', KEYS[1], 'tag', tag, 'day', day, 'left', left)
    redis.call('EXPIRE', KEYS[1], kept)
    if old[2] == tag then
        redis.call('HINCRBY', KEYS[1], 'units', units)
        return {0, ''}
    end
    redis.call('HSET', KEYS[1], 'units', units)
    return {old[1] or 0, old[3] or ''}
"""


def spend(quotas: Sequence[Quota], now: datetime, take: Callable[[Quota], Taken]) -> list[State]:
    """Use a unit of each quota, and return what is left. No quota may be one that only services report.

    `take` takes units of the database. Raises what it raises, and valkey.Unreachable.
    """
    today = day_of(now)
    keys, tags = [_key(quota) for quota in quotas], [_tag(quota, today) for quota in quotas]
    while True:
        missing, *found = valkey.run(_USE, keys, tags)
        if not missing:
            return [_state(quota, *values) for quota, values in zip(quotas, found, strict=True)]
        quota = quotas[missing - 1]
        _give_back(quota, *found)  # of another day or other budgets, before more are taken
        _add(quota, take(quota), today)


def _key(quota: Quota) -> bytes:
    return PREFIX + quota.name.encode()


def _tag(quota: Quota, today: date) -> str:
    return f"{today} {quota.budgets}"


def _add(quota: Quota, taken: Taken, today: date) -> None:
    """Share units that were taken of the database. Give back those of another day or other budgets."""
    left = ",".join("" if units is None else str(units) for units in taken.left)
    values: list[str | int] = [taken.units, _tag(quota, today), taken.day.isoformat(), left, KEPT_SECONDS]
    try:
        units, day = valkey.run(_ADD, [_key(quota)], values)
    except valkey.Unreachable:
        ledger.give_back(quota.number, taken.units, taken.day)
        raise
    _give_back(quota, units, day)


def _give_back(quota: Quota, units: bytes | int, day: bytes) -> None:
    if int(units):
        ledger.give_back(quota.number, int(units), date.fromisoformat(day.decode()))


def _state(quota: Quota, units: bytes | int, day: bytes, left: bytes) -> State:
    stored = (int(each) if each else None for each in left.decode().split(","))
    return State(quota, Budgets(*stored).plus(int(units)), date.fromisoformat(day.decode()))
