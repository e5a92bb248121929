"""The first reading of an import looks for broken keys, and up in the database only those."""

from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.commands.helpers import refusal_of, run
from tests.conftest import Cast

KEYS = [f"9fQ2jX5vT0kLm3nB8cR7{number:04}" for number in range(5)]


def written(folder: Path, *rows: str) -> str:
    path = folder / "keys.csv"
    path.write_text("\n".join(["key,owner", *rows]))
    return str(path)


def test_keys_that_are_not_broken_are_looked_up_once(cast: Cast, tmp_path: Path) -> None:
    path = written(tmp_path, *(f"{text},alice" for text in KEYS))
    with CaptureQueriesContext(connection) as captured:
        assert run("importkeys", "--from", "csv", path)["imported"] == len(KEYS)
    found = [each["sql"] for each in captured if "FROM apikeys_apikey WHERE" in each["sql"]]
    assert len(found) == 2  # by the digest of its system and by ours


@pytest.mark.parametrize("owner", ["nobody", ""])
def test_a_key_that_is_here_is_not_broken_although_its_owner_is_unknown(
    cast: Cast, tmp_path: Path, owner: str
) -> None:
    run("importkeys", "--from", "csv", written(tmp_path, f"{KEYS[0]},alice"))
    path = written(tmp_path, f"{KEYS[0]},{owner}", f"{KEYS[1]},alice")
    report = run("importkeys", "--from", "csv", path)
    assert (report["imported"], report["already_here"]) == (1, 1)
    path = written(tmp_path, f"{KEYS[0]},{owner}", f"{KEYS[2]},{owner}")
    assert "keys.csv:3: " in refusal_of("importkeys", "--from", "csv", path)
