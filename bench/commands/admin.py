"""./run bench admin: what the pages of the admin cost with few keys and with many, in one run."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from bench.sites import Site, keyhouse_installation
from tests import postgres

FEW, TURNS = 10_000, 5


def main(many: int) -> int:
    """Fill two databases, open every page of both, print a table, and return the exit code."""
    with postgres.running() as url, tempfile.TemporaryDirectory(prefix="keyhouse-bench-") as folder:
        few, most = (_milliseconds(Path(folder) / str(rows), url, rows) for rows in (FEW, many))
    print(table(few, most, many))
    return 0


def _milliseconds(folder: Path, url: str, rows: int) -> dict[str, float]:
    installation = keyhouse_installation(folder, url, rows=rows)
    installation.settings["KEYHOUSE_ADMIN_SECOND_FACTOR"] = "false"
    site = Site(installation, True, {})
    text = site.call("bench.keyhouse.pages:fill", rows)
    found: dict[str, float] = site.call("bench.keyhouse.pages:measure", text, TURNS)
    return found


def table(few: Mapping[str, float], most: Mapping[str, float], many: int) -> str:
    """Return milliseconds with few keys and with many, and how many times as much that is."""
    head = f"| page (milliseconds) | {FEW:,} keys | {many:,} keys | ratio |\n|---|--:|--:|--:|"
    both = [(page, few[page], most[page]) for page in most if page in few]
    rows = [f"| {page} | {a:.0f} | {b:.0f} | {b / a:.1f} |" for page, a, b in both]
    return "\n".join([head, *rows])
