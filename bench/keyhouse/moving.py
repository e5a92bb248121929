"""An export of another system, and how long it takes to import it."""

import io
import random
import resource
import string
import time
from tempfile import TemporaryFile

from django.core.management import call_command
from django.db import connection

from bench.commands.imports import Moved

KEYS_OF_ONE = 5
ALPHABET = string.ascii_letters + string.digits
TABLES = ("accounts_user", "apikeys_apikey", "audit_event")
PART = 1 << 20  # bytes in memory


def write(path: str, rows: int) -> None:
    """Write an export of so many keys, whose owners have some each."""
    chance = random.Random(rows)  # noqa: S311 (no secret)
    with open(path, "w", encoding="utf-8") as file:
        file.write("key,owner,email\n")
        for number in range(rows):
            text, owner = "".join(chance.choices(ALPHABET, k=40)), f"owner{number // KEYS_OF_ONE}"
            file.write(f"{text},{owner},{owner}@example.org\n")


def measure(path: str, rows: int) -> Moved:
    """Import the export, without owners before, and copy what is stored then."""
    clock, processor = time.perf_counter(), time.process_time()
    options = ("--from", "csv", path, "--make-owners", "member", "--json")
    call_command("importkeys", *options, stdout=io.StringIO())
    seconds, used = time.perf_counter() - clock, time.process_time() - processor
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Moved(rows, rows // KEYS_OF_ONE, seconds, used, most, _copy_seconds())


def _copy_seconds() -> float:
    """Return how long COPY takes to write the stored rows into tables like theirs, with all indexes."""
    seconds = 0.0
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        for table in TABLES:
            cursor.execute(f'CREATE TABLE "copy_of_{table}" (LIKE "{table}" INCLUDING ALL)')
            with TemporaryFile() as file:
                with cursor.copy(f'COPY "{table}" TO STDOUT') as rows:
                    file.writelines(rows)
                file.seek(0)
                start = time.perf_counter()
                with cursor.copy(f'COPY "copy_of_{table}" FROM STDIN') as copy:
                    while part := file.read(PART):
                        copy.write(part)
                seconds += time.perf_counter() - start
    return seconds
