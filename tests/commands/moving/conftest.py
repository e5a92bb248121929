"""SQLite installations beside the PostgreSQL of this run, to be moved there."""

import shutil
from pathlib import Path

import pytest

from tests.installation import ADMIN, SQLITE_FILE, Installation
from tests.running import migrated


@pytest.fixture(scope="session")
def first_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An SQLite installation after its first start, for others to be copies of."""
    folder = tmp_path_factory.mktemp("first-sqlite")
    installation = Installation(folder, f"sqlite:///{folder / SQLITE_FILE}")
    migrated.fill(installation.database_url)
    done = installation.manage("setup", **ADMIN)
    assert done.returncode == 0, done.stderr
    return installation


@pytest.fixture
def sqlite(first_sqlite: Installation, tmp_path: Path) -> Installation:
    """An SQLite installation after its first start, with the administrator of tests.installation.ADMIN."""
    folder = tmp_path / "sqlite"
    shutil.copytree(first_sqlite.folder, folder)
    return Installation(folder, f"sqlite:///{folder / SQLITE_FILE}")
