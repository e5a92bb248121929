"""./run bench imports: how fast keys of another system move in, beside COPY of the same rows."""

import tempfile
from pathlib import Path
from typing import NamedTuple

from bench.sites import Site, keyhouse_installation
from tests import postgres

PART = 10  # a tenth of the keys, for the memory


class Moved(NamedTuple):
    """What an import took, and how long COPY takes for the rows that it stored."""

    keys: int
    owners: int
    seconds: float
    processor: float  # seconds of this process, without PostgreSQL's
    megabytes: float  # most memory of this process at one time
    copy_seconds: float


def main(rows: int) -> int:
    """Import a tenth of `rows` keys and then all into databases of their own; print what it took."""
    with postgres.running() as url, tempfile.TemporaryDirectory(prefix="keyhouse-bench-") as folder:
        both = [_moved(Path(folder) / str(number), url, number) for number in (rows // PART, rows)]
    print(report(both))
    return 0


def _moved(folder: Path, url: str, rows: int) -> Moved:
    site = Site(keyhouse_installation(folder, url, rows=rows), True, {})
    path = str(folder / "keys.csv")
    site.call("bench.keyhouse.moving:write", path, rows)
    found: Moved = site.call("bench.keyhouse.moving:measure", path, rows)
    return found


def report(runs: list[Moved]) -> str:
    """Return a table with a row for each run."""
    head = (
        "| keys | new owners | seconds | keys/s | times COPY of the rows | its µs/key | peak memory |\n"
        "|--:|--:|--:|--:|--:|--:|--:|"
    )
    lines = [
        f"| {each.keys:,} | {each.owners:,} | {each.seconds:.1f} | {each.keys / each.seconds:,.0f} "
        f"| {each.seconds / each.copy_seconds:.2f} | {1e6 * each.processor / each.keys:.0f} "
        f"| {each.megabytes:.0f} MB |"
        for each in runs
    ]
    return "\n".join([head, *lines])
