"""What is to be reached, and how far it is: arithmetic on the figures of a run. Knows no Django."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from bench.candidates import (
    API_KEY,
    DRF,
    GATEWAY,
    GATEWAY_LOGIN,
    GO_HANDLER,
    LOGIN,
    MALFORMED,
    OWN_SELECT,
    PEERS,
    SELECT,
    SIMPLEJWT,
    UNKNOWN,
    VIEW,
    Candidate,
)
from bench.load import Load

Run = dict[str, Any]  # what bench.__main__ writes with --json
OURS = (GATEWAY, GATEWAY_LOGIN, VIEW, LOGIN)
NEARLY_NONE = 0.05  # a look at the epoch every 250 ms, however many requests there are


@dataclass(frozen=True)
class Ratio:
    """`subject` must be at least `least` times as fast as the fastest of `others`, in the same round.

    As fast: by requests a second, or, where the client is what is slow, by the processor time of a request.
    """

    subject: Candidate
    temperature: str
    others: tuple[Candidate, ...]
    words: str
    least: float
    by_processor: bool = False


GOALS = (
    Ratio(GATEWAY, "hot", (API_KEY,), "djangorestframework-api-key", 15),
    Ratio(GATEWAY, "hot", (GO_HANDLER,), "Go handler, by processor time", 0.4, by_processor=True),
    Ratio(GATEWAY, "cold", PEERS, "best peer", 2.5),
    Ratio(GATEWAY, "cold", (OWN_SELECT,), "one raw SELECT in the same server", 0.95),
    Ratio(GATEWAY_LOGIN, "hot", (SIMPLEJWT,), "SimpleJWT", 10),
    Ratio(VIEW, "hot", PEERS, "best peer", 3),
    Ratio(MALFORMED, "hot", (GATEWAY,), "an accepted hot key", 1),
)


@dataclass(frozen=True)
class Count:
    """Something that is counted, and what it may be at most."""

    words: str
    goal: str
    figure: float
    most: float
    unit: str = ""

    @property
    def is_met(self) -> bool:
        return self.figure <= self.most


def loads(run: Run, candidate: Candidate, temperature: str) -> list[Load]:
    """Return what came of the load on a candidate in each round; empty if it was not on this machine."""
    shown = temperature if candidate.is_cold else "hot"
    return [Load(*figures) for figures in run["served"][shown].get(candidate.name, [])]


def ratios(run: Run, goal: Ratio) -> list[float]:
    """Return in each round how many times as fast the subject was as the fastest of the others."""
    mine = _speeds(run, goal, goal.subject)
    theirs = [_speeds(run, goal, other) for other in goal.others]
    return [own / max(each) for own, *each in zip(mine, *theirs, strict=True)] if all(theirs) else []


def _speeds(run: Run, goal: Ratio, candidate: Candidate) -> list[float]:
    found = loads(run, candidate, goal.temperature)
    return [1e6 / each.processor if goal.by_processor else each.rate for each in found]


def to_open_view(run: Run, candidate: Candidate, temperature: str) -> list[float]:
    """Return the ratios to the DRF view without authentication."""
    return ratios(run, Ratio(candidate, temperature, (DRF,), "", 0))


def costs(run: Run, candidate: Candidate, temperature: str) -> list[float]:
    """Return the processor time of one request in the application, in each round: µs."""
    shown = temperature if candidate.is_cold else "hot"
    return [figures[0] for figures in run["application"][shown][candidate.name]]


def counts(run: Run) -> list[Count]:
    """Return what is not a ratio: queries, growth, memory."""
    raw, own = (round(growth(run, each), 2) for each in (SELECT, GATEWAY))  # less than that is chance
    memory = run["memory_bytes"] / 1024
    return [
        Count("queries per request, hot", "0", _queries(run, OURS, "hot"), NEARLY_NONE),
        Count("queries per request, cold", "1", _queries(run, OURS, "cold"), 1 + NEARLY_NONE),
        Count("queries for a wrong checksum", "0", _queries(run, (MALFORMED,), "hot"), 0),
        Count("queries for an unknown key", "1", _queries(run, (UNKNOWN,), "cold"), 1 + NEARLY_NONE),
        Count("writes per request", "0", _writes(run), NEARLY_NONE),
        Count(f"growth of a cold check, {_sizes(run)}", f"≤ {raw:.2f} (one raw SELECT)", own, raw),
        Count("login beside its password hash", "≤ 5 % of it", run["login_percent"], 5, " %"),
        Count("last use of one key, written once a second", "", run["last_use"], inf, " µs"),
        Count("memory for one remembered caller", "bounded: 20,000 callers", memory, inf, " KiB"),
    ]


def growth(run: Run, candidate: Candidate) -> float:
    """Return how many times as long a cold request takes on the clock with most rows as with few."""
    return statistics.median(growths(run, candidate))


def growths(run: Run, candidate: Candidate) -> list[float]:
    """Return the same of each round."""
    most, few = run["growth"]["most"][candidate.name], run["growth"]["few"][candidate.name]
    return [a[1] / b[1] for a, b in zip(most, few, strict=True)]


def _sizes(run: Run) -> str:
    return f"{run['few']:,} to {run['most']:,} keys"


def _queries(run: Run, candidates: Sequence[Candidate], temperature: str) -> float:
    """The most that one of the candidates has asked in one round."""
    rounds = run["application"][temperature]
    asked: list[float] = [cost[2] for candidate in candidates for cost in rounds[candidate.name]]
    return max(asked)


def _writes(run: Run) -> float:
    rounds = run["application"]
    written: list[float] = [
        cost[3] for each in ("hot", "cold") for one in OURS for cost in rounds[each][one.name]
    ]
    return max(written)
