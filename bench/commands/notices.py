"""./run bench notices: what finding keys to tell of costs with few keys and with many, in one run."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench.sites import Site, keyhouse_installation
from tests import postgres

FEW, TURNS = 10_000, 20


class Cost(NamedTuple):
    """Milliseconds of a look when nothing is due, and of a batch; the most memory of the process (MB)."""

    look: float
    expiring: float
    first_keys: float
    last_keys: float
    megabytes: float


def main(many: int) -> int:
    """Fill two databases, walk along the keys of both, print a table, and return the exit code."""
    with postgres.running() as url, tempfile.TemporaryDirectory(prefix="keyhouse-bench-") as folder:
        costs = [_cost(Path(folder) / str(rows), url, rows) for rows in (FEW, many)]
    print(table(costs, (FEW, many)))
    return 0


def _cost(folder: Path, url: str, rows: int) -> Cost:
    installation = keyhouse_installation(folder, url, rows=rows)
    installation.settings["EMAIL_URL"] = "smtp://127.0.0.1:9"  # else nobody is told of unused keys
    site = Site(installation, True, {})
    site.call("bench.keyhouse.pages:fill", rows)
    found: Cost = site.call("bench.keyhouse.walking:measure", TURNS)
    return found


def table(costs: Sequence[Cost], rows: Sequence[int]) -> str:
    """Return a table with a row for each database."""
    head = (
        "| keys | nothing is due, ms | batch that expires, ms | batch of the first keys, ms "
        "| batch of the last keys, ms | peak memory |\n|--:|--:|--:|--:|--:|--:|"
    )
    lines = [
        f"| {count:,} | {each.look:.1f} | {each.expiring:.0f} | {each.first_keys:.0f} "
        f"| {each.last_keys:.0f} | {each.megabytes:.0f} MB |"
        for count, each in zip(rows, costs, strict=True)
    ]
    return "\n".join([head, *lines])
