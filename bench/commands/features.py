"""./run bench features: what a hot check costs beside features that its key does not use, in one run."""

import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from bench import measuring, sites
from bench.candidates import GATEWAY, HOT_CALLERS
from bench.load import Load
from bench.measuring import Effort
from tests import postgres

ROWS = 10_000
OFF = ("notices", "leaks")  # tables that a profile may lack
WITHOUT = replace(GATEWAY, name="without", site="without", is_cold=False)
WITH = replace(GATEWAY, name="with", site="with", is_cold=False)


def main(effort: Effort, tell: Callable[[str], None]) -> int:
    """Serve two installations, load both in turn, print a table, and return the exit code."""
    with postgres.running() as url, tempfile.TemporaryDirectory(prefix="keyhouse-bench-") as folder:
        both = {
            each.site: sites.keyhouse(
                Path(folder) / each.site,
                url,
                rows=ROWS,
                used=HOT_CALLERS,
                name=each.site,
                leave_out=OFF if each is WITHOUT else (),
            )
            for each in (WITHOUT, WITH)
        }
        both[WITH.site].call("bench.keyhouse.features:turn_on")
        served = measuring.as_served(both, effort, tell, candidates=(WITHOUT, WITH))
    print(table(served["hot"][WITHOUT.name], served["hot"][WITH.name]))
    return 0


def table(without: Sequence[Load], with_them: Sequence[Load]) -> str:
    """Return the processor time of a hot check in the median round, and the ratio within the rounds."""
    ratios = [more.processor / less.processor for less, more in zip(without, with_them, strict=True)]
    low, high = (statistics.quantiles(ratios, n=4)[place] for place in (0, 2))
    head = "| without, µs | with, µs | ratio (middle half of the rounds) |\n|--:|--:|--:|"
    less, more = (statistics.median(each.processor for each in loads) for loads in (without, with_them))
    return f"{head}\n| {less:.0f} | {more:.0f} | {statistics.median(ratios):.3f} ({low:.3f}–{high:.3f}) |"
