from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from apikeys.services.known_secrets import check_secrets
from audit.log import verify
from audit.models import ChainHead
from config.commands.base import KeyhouseCommand, Output
from config.commands.tables import Table
from config.commands.terminal import Progress
from config.database import copying
from config.database.migrate import bring_up_to_date

NEXT = """
The audit log is unbroken. Head: {head}
Keep DATABASE_URL as it is, and start the servers. Never serve from {source} again:
it does not learn what is revoked or changed from now on."""


class Command(KeyhouseCommand):
    help = (
        "Copy everything from SQLite into the empty PostgreSQL database of DATABASE_URL: people, keys, "
        "sessions, consents, second factors and the audit log. Stop all servers first. Either everything "
        "is copied or nothing. The SQLite database stays as it is."
    )
    needs_secrets = False  # they are compared with those that the copied rows name
    examples = (
        "{} --dry-run",
        "{} --from /srv/keyhouse/keyhouse.sqlite3",
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "--from",
            dest="source",
            metavar="PATH",
            help="the SQLite database; default: keyhouse.sqlite3 in the data folder",
        )
        parser.add_argument("--dry-run", action="store_true", help="check and count, but copy nothing")

    def run(self, options: dict[str, Any]) -> Output:
        path = _path(options["source"])
        copying.check_target()
        with copying.opened(path) as source:
            copying.check_source(source)
            rows = {model._meta.db_table: copying.count(model, source) for model in copying.copied_models()}
            head = _head(source)
            if not options["dry_run"]:
                _copy(source, head, Progress(quiet=options["json"]))
        document = {"dry_run": options["dry_run"], "rows": rows, "head": head}
        return Output(document, _text(document, path))


def _path(given: str | None) -> Path:
    if given is None:
        return Path(settings.DATA_DIR) / "keyhouse.sqlite3"
    return Path(given.removeprefix("sqlite:///"))


def _copy(source: BaseDatabaseWrapper, head: str, progress: Progress) -> None:
    bring_up_to_date()
    with transaction.atomic():
        copying.copy_all(source, progress)
        found = verify()
        if found.faults or found.head != head:
            fault = next(iter(found.faults), "its head differs")
            raise CommandError(f"nothing was copied, because the audit log is broken: {fault}")
        check_secrets()


def _head(database: BaseDatabaseWrapper) -> str:
    """Return the hash at the end of the audit chain."""
    with database.cursor() as cursor:
        cursor.execute('SELECT hash FROM "audit_chainhead"')
        found = cursor.fetchone()
    return bytes(found[0] if found else ChainHead().hash).hex()


def _text(document: dict[str, Any], path: Path) -> list[str | Table]:
    heads = ("table", "to copy" if document["dry_run"] else "copied")
    counts = Table(heads, [(name, number) for name, number in document["rows"].items() if number])
    return [counts] if document["dry_run"] else [counts, NEXT.format(source=path, **document)]
