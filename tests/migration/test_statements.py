"""An import takes no more statements for many keys and owners than for few."""

from pathlib import Path

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.commands.helpers import run
from tests.conftest import Cast


def statements_of(folder: Path, name: str, number: int) -> int:
    """Import so many keys with an owner each; return the number of statements."""
    path = folder / f"{name}.csv"
    rows = (
        f"9fQ2jX5vT0kLm3nB8cR7{name}{each:04},{name}{each},{name}{each}@example.org" for each in range(number)
    )
    path.write_text("\n".join(["key,owner,email", *rows]))
    options = ("--make-owners", "member", "--name", name)
    with CaptureQueriesContext(connection) as captured:
        report = run("importkeys", "--from", "csv", str(path), *options)
    assert (report["imported"], report["owners_made"]) == (number, number)
    return len(captured)


def test_many_keys_with_new_owners_take_no_more_statements_than_few(cast: Cast, tmp_path: Path) -> None:
    statements_of(tmp_path, "first", 1)  # begins the chain of events
    few = statements_of(tmp_path, "few", 5)
    assert statements_of(tmp_path, "many", 500) <= few
