"""./run bench: Keyhouse beside its peers, in one run on this machine. `--help` says what can be chosen."""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import psycopg

from bench import measuring, sites
from bench.bare import bare_sites
from bench.candidates import KEYHOUSE, PROJECT
from bench.chart import chart
from bench.commands import admin, crowds, features, imports, notices, proxies, revocations
from bench.goals import Run
from bench.measuring import Effort
from bench.report import between_markers, report
from tests import postgres

DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS / "performance.md"
FEW = 10_000
TIMES = 10  # so many times the keys, to see whether a check gets slower
QUICK_REVOCATIONS, MOST_SECONDS = 200, 3600
FULL = Effort(rounds=5, seconds=2, requests=900)
HOT, FEW_HOT = Effort(rounds=25, seconds=2, requests=0), Effort(rounds=5, seconds=0.5, requests=0)
QUICK = Effort(rounds=3, seconds=0.5, requests=200)
PACKAGES = (
    *("django", "djangorestframework", "gunicorn", "psycopg", "djangorestframework-api-key"),
    *("djangorestframework-simplejwt", "django-rest-knox", "django-oauth-toolkit"),
)


def main(arguments: Sequence[str]) -> int:
    """Measure, or only show a run that was measured before; return the exit code."""
    options = parse(arguments)
    if options.what == "revocations":
        wanted = QUICK_REVOCATIONS if options.quick else options.revocations
        return revocations.main(wanted, MOST_SECONDS)
    if options.what == "crowds":
        return crowds.main()
    if options.what == "proxies":
        return proxies.main()
    if options.what == "admin":
        return admin.main(rows_of(options))
    if options.what == "imports":
        return imports.main(rows_of(options))
    if options.what == "notices":
        return notices.main(rows_of(options))
    if options.what == "features":
        return features.main(FEW_HOT if options.quick else HOT, tell)
    run = json.loads(Path(options.show).read_text()) if options.show else measure(options)
    if options.json:
        Path(options.json).write_text(json.dumps(run))
    print(report(run))
    if options.write:
        PAGE.write_text(between_markers(PAGE.read_text(), report(run, "###")))
        (DOCS / "performance.svg").write_text(chart(run))
    return 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument(
        "what",
        nargs="?",
        choices=["speed", "revocations", "admin", "crowds", "proxies", "imports", "notices", "features"],
        default="speed",
    )
    parser.add_argument(
        "--keys",
        type=int,
        metavar="N",
        help="default 1,000,000, and for growth ten times as many; with --quick a tenth",
    )
    parser.add_argument("--quick", action="store_true", help="in a few minutes, and rough")
    parser.add_argument("--revocations", type=int, default=10_000, metavar="N", help="default 10,000")
    parser.add_argument("--json", metavar="FILE", help="write every figure of every round there")
    parser.add_argument("--show", metavar="FILE", help="measure nothing: take the figures from there")
    parser.add_argument("--write", action="store_true", help="put the figures into docs/performance.*")
    return parser.parse_args(arguments)


def rows_of(options: argparse.Namespace) -> int:
    """Return how many keys there are to be."""
    return options.keys or (100_000 if options.quick else 1_000_000)


def measure(options: argparse.Namespace) -> Run:
    """Fill the databases, let every candidate have its turns, and return all figures."""
    effort = QUICK if options.quick else FULL
    rows = rows_of(options)
    few, most = max(FEW, effort.credentials), rows * TIMES
    with postgres.running() as url, tempfile.TemporaryDirectory(prefix="keyhouse-bench-") as folder:
        tell(f"making {rows:,} keys for each")
        many = both(Path(folder) / "many", url, rows, effort)
        bare = bare_sites(Path(folder) / "bare", many[KEYHOUSE].credentials["key"])
        run = {
            "machine": machine(url),
            "rows": rows,
            "few": few,
            "most": most,
            **measuring.only_ours(many[KEYHOUSE]),
            "application": measuring.in_the_application(many, effort, tell),
            "served": measuring.as_served({**many, **bare}, effort, tell),
        }
        tell(f"making {few:,} and {most:,} keys")
        big, small = (both(Path(folder) / str(n), url, n, effort, only_select=True) for n in (most, few))
        return run | {"growth": measuring.growing(big, small, effort.in_short_turns(), tell)}


def both(
    folder: Path, url: str, rows: int, effort: Effort, *, only_select: bool = False
) -> dict[str, sites.Site]:
    """Return both projects, each with so many rows; that of the peers, if wanted, without the peers."""
    folder.mkdir()
    used, fill = effort.credentials, "bench.project.fill:" + ("only_select" if only_select else "fill")
    return {
        KEYHOUSE: sites.keyhouse(folder / KEYHOUSE, url, rows=rows, used=used),
        PROJECT: sites.project(folder / PROJECT, url, rows=rows, used=used, fill=fill),
    }


def machine(url: str) -> dict[str, str]:
    """Return what it was measured on and with."""
    with psycopg.connect(url) as connection:
        database = connection.info.server_version // 10_000
    return {
        "processor": f"{processor()}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "PostgreSQL": f"{database}, as initdb sets it up, on this machine, over a socket, without fsync",
        **{name: version(name) for name in PACKAGES},
    }


def processor() -> str:
    """Return the name of the processor, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine()
    )


def tell(line: str) -> None:
    """Say what is going on, beside the report."""
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
