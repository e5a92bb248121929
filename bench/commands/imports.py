"""./run bench imports: how fast keys of another system move in, beside COPY of the same rows."""

import tempfile
from pathlib import Path
from typing import NamedTuple

from bench.sites import Site, keyhouse_installation
from tests import postgres

PARTS = (10, 2, 1)  # a tenth of the keys, half and all, for the memory
HEAD = (
    "| keys | new owners | seconds | keys/s | times COPY of the rows | processor, µs/key | peak memory |\n"
    "|--:|--:|--:|--:|--:|--:|--:|"
)


class Moved(NamedTuple):
    """What an import took, and how long COPY takes for the rows that it stored."""

    keys: int
    owners: int
    seconds: float
    processor: float  # seconds of this process, without PostgreSQL's
    megabytes: float  # most memory of this process at one time
    copy_seconds: float


def main(rows: int) -> int:
    """Import a tenth of `rows` keys, half and then all into databases of their own; print what each took."""
    print(HEAD)
    with postgres.running() as url, tempfile.TemporaryDirectory(prefix="keyhouse-bench-") as folder:
        for part in PARTS:
            print(line(_moved(Path(folder) / str(part), url, rows // part)), flush=True)
    return 0


def _moved(folder: Path, url: str, rows: int) -> Moved:
    site = Site(keyhouse_installation(folder, url, rows=rows), True, {})
    path = str(folder / "keys.csv")
    site.call("bench.keyhouse.moving:write", path, rows)
    found: Moved = site.call("bench.keyhouse.moving:measure", path, rows)
    return found


def line(moved: Moved) -> str:
    """Return the row of the table for one import."""
    return (
        f"| {moved.keys:,} | {moved.owners:,} | {moved.seconds:.1f} | {moved.keys / moved.seconds:,.0f} "
        f"| {moved.seconds / moved.copy_seconds:.2f} | {1e6 * moved.processor / moved.keys:.0f} "
        f"| {moved.megabytes:.0f} MB |"
    )
