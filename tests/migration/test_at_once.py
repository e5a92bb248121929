"""Two imports at the same time."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from accounts.models import User
from apikeys.models import ApiKey
from audit.log import verify
from tests.conftest import Cast

KEYS, OWNERS = 120, 30

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time"),
]


def import_it(path: str, name: str) -> dict[str, Any]:
    output = io.StringIO()
    options = ("--from", "csv", path, "--make-owners", "member", "--name", name, "--json")
    try:
        call_command("importkeys", *options, stdout=output)
    finally:
        connection.close()
    found: dict[str, Any] = json.loads(output.getvalue())
    return found


def test_two_imports_of_a_system_take_turns_and_store_each_key_and_owner_once(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("migration.services.AT_ONCE", 10)
    people = User.objects.count()
    rows = [f"9fQ2jX5vT0kLm3nB8cR7{number:04},owner{number % OWNERS}" for number in range(KEYS)]
    path = tmp_path / "keys.csv"
    lines = [f"{row},{row.rpartition(',')[2]}@example.org" for row in rows]
    path.write_text("\n".join(["key,owner,email", *lines]))
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(lambda _: import_it(str(path), "old"), range(2)))
    assert sum(each["imported"] for each in reports) == KEYS
    assert sum(each["owners_made"] for each in reports) >= OWNERS
    assert ApiKey.objects.count() == KEYS and User.objects.count() == people + OWNERS
    assert verify().faults == []
