from typing import Any

from accounts import retention
from apikeys.durations import parse_duration
from apikeys.usage import retention as use_pruning
from audit.actors import Origin
from config.commands.base import KeyhouseCommand, Output
from config.commands.tables import Table
from config.commands.terminal import Progress
from config.database.retention import Leftovers


class Command(KeyhouseCommand):
    help = (
        "Delete obsolete rows: sessions that ended 30 days ago, expired counters, idempotency keys, "
        "registrations and links, and the use of keys after 400 days. Merge the hourly use of keys into days "
        "once it is older than --hours-for. Safe to run beside servers, and several times at once. Audit "
        "events stay."
    )
    examples = (
        "{} --dry-run",
        "{} --hours-for 30d",
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="count the rows to prune, but change nothing"
        )
        parser.add_argument(
            "--hours-for",
            metavar="DURATION",
            default=f"{use_pruning.HOURS_KEPT.days}d",
            help="how long to keep the use of keys by the hour; default: %(default)s",
        )

    def run(self, options: dict[str, Any]) -> Output:
        now = Origin.here().at
        hours_kept = parse_duration("hours-for", options["hours_for"])
        found = [*use_pruning.leftovers(now, hours_kept), *retention.leftovers(now)]
        if options["dry_run"]:
            done = {kind.name: kind.rows.count() for kind in found}
        else:
            progress = Progress(quiet=options["json"])
            done = {kind.name: _prune(kind, progress) for kind in found}
        heads = ("what", "to prune" if options["dry_run"] else "pruned")
        return Output({"dry_run": options["dry_run"], "pruned": done}, [Table(heads, list(done.items()))])


def _prune(kind: Leftovers, progress: Progress) -> int:
    """Prune all rows of a kind and return how many."""
    done = 0
    while some := kind.prune_some(kind.rows):
        done += some
        progress(kind.name, done)
    return done
