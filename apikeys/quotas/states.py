"""What a client is told of a quota (draft-ietf-httpapi-ratelimit-headers)."""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple, get_args

from access.key_limits import Budgets, Quota
from apikeys.quotas.errors import QuotaReached
from apikeys.quotas.periods import Period, Span, span_of
from config.wire.fields import timestamp

PERIODS: tuple[Period, ...] = get_args(Period)


class Budget(NamedTuple):
    """One budget of a quota: how many units it has, what is left of them, and when it begins again."""

    name: str
    most: int
    left: int
    span: Span | None


class State(NamedTuple):
    """A quota on a day, and what is left of its budgets."""

    quota: Quota
    left: Budgets
    day: date

    def budgets(self) -> Iterator[Budget]:
        for period, most, left in zip(PERIODS, self.quota.budgets, self.left, strict=True):
            if most is not None:
                yield Budget(f"{self.quota.holder}-{period}", most, left or 0, span_of(period, self.day))


def headers_of(states: Sequence[State], now: datetime) -> Mapping[str, str]:
    """Return the headers that tell of all budgets of these quotas."""
    budgets = [budget for state in states for budget in state.budgets()]
    return {
        "RateLimit-Policy": ", ".join(map(_policy, budgets)),
        "RateLimit": ", ".join(_left(budget, now) for budget in budgets),
    }


def _policy(budget: Budget) -> str:
    window = f";w={budget.span.seconds}" if budget.span else ""
    return f'"{budget.name}";q={budget.most}{window}'


def _left(budget: Budget, now: datetime) -> str:
    reset = f";t={_seconds_until(budget.span.end, now)}" if budget.span else ""
    return f'"{budget.name}";r={budget.left}{reset}'


def _seconds_until(moment: datetime, now: datetime) -> int:
    return max(math.ceil((moment - now).total_seconds()), 1)


def reached(state: State, now: datetime) -> QuotaReached:
    """Return the error for a quota with a budget that is used up."""
    whose = "this key" if state.quota.holder == "key" else "this key's organization"
    said, headers = f"The quota of {whose} is used up", headers_of([state], now)
    ended = [budget.span for budget in state.budgets() if not budget.left]
    if None in ended:
        return QuotaReached(f"{said} for good.", 0, headers)
    # No budget has ended if somebody has just changed them: then the next request knows the new ones.
    last = max((span.end for span in ended if span), default=now)
    return QuotaReached(f"{said} until {timestamp(last)}.", _seconds_until(last, now), headers)
