"""Migrates the database to this version, in one process at a time."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import NamedTuple

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from config.program import command

# The last of each app's migrations that were squashed: a database with any of them must have it.
LAST_REPLACED = {
    "accounts": "0019_email_domains",
    "apikeys": "0009_scope_uses_since",
    "audit": "0006_subjects",
}
LOCK_NUMBER = 0x6B657968  # key of PostgreSQL's advisory lock
LOOK_SECONDS = 0.2  # between two attempts to get the lock


class Name(NamedTuple):
    """The name of a migration."""

    app: str
    migration: str


def is_up_to_date() -> bool:
    """Whether every migration of this version is applied. Raises CommandError if old ones are missing."""
    applied = {Name(*key) for key in MigrationRecorder(connection).applied_migrations()}
    ours = set(_migrations())
    _check_replaced(applied, ours)
    return ours <= applied


def _migrations() -> Iterator[Name]:
    """Yield the migrations of this version. To import them, as Django's loader does, takes longer."""
    for app in apps.get_app_configs():
        package, _ = MigrationLoader.migrations_module(app.label)
        folders = package and find_spec(package)
        if folders:
            modules = iter_modules(folders.submodule_search_locations)
            yield from (Name(app.label, module.name) for module in modules)


def _check_replaced(applied: set[Name], ours: set[Name]) -> None:
    """Raise CommandError for a database with only some of the squashed migrations.

    Django would mistake the first of them for the squashed one, because both have the same name.
    """
    for app, last in LAST_REPLACED.items():
        of_app = {name for name in applied if name.app == app}
        if Name(app, last) not in of_app and not of_app <= ours:
            raise CommandError(
                f"the database lacks the migration {app}.{last}, which this version starts from; "
                f"first run {command('setup')} of the last version that has it"
            )


def check_up_to_date() -> None:
    """Raise CommandError, which says what to do, unless the database is ready for this version."""
    if not is_up_to_date():
        raise CommandError(f"the database is not set up for this version; run: {command('setup')}")


def bring_up_to_date() -> None:
    """Apply missing migrations. If several processes start at once, one does it and the others wait."""
    if is_up_to_date():
        return
    with _alone():
        if not is_up_to_date():  # another process may just have done it
            call_command("migrate", interactive=False, verbosity=0)


@contextmanager
def _alone() -> Iterator[None]:
    """Hold the lock of this installation's database, or of its data folder on SQLite."""
    if connection.vendor != "postgresql":
        with (settings.DATA_DIR / "setup.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        return
    with closing(connection.copy()) as lock:
        lock.set_autocommit(False)  # PgBouncer may give the connection to others after a transaction
        while not _is_first(lock):
            lock.rollback()
            # A statement that waits for the lock would occupy one of PgBouncer's few connections, which the
            # migrating process may need.
            time.sleep(LOOK_SECONDS)  # so no statement waits, and nobody says when the lock is free
        yield


def _is_first(lock: BaseDatabaseWrapper) -> bool:
    """Try to take the lock until the end of this transaction. Return whether this process has it."""
    with lock.cursor() as cursor:
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")  # migrations may take long
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK_NUMBER])
        return bool(cursor.fetchone()[0])
