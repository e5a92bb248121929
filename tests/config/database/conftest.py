import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installation import Installation
from tests.postgres import Postgres, binaries, started


@pytest.fixture
def database() -> Iterator[Postgres]:
    """A PostgreSQL of the test's own, to be stopped and started."""
    with started() as server:
        yield server


def restore(original: Installation, url: str, folder: Path) -> Installation:
    """An installation with the secrets and data of another, in the empty database at this URL.

    To set one up takes ten times as long.
    """
    shutil.copytree(original.folder / "var", folder / "var")
    dump = [str(binaries() / "pg_dump"), "--no-owner", original.database_url]
    read = [str(binaries() / "psql"), "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", url]
    dumped = subprocess.run(dump, check=True, capture_output=True)
    subprocess.run(read, check=True, input=dumped.stdout, stdout=subprocess.DEVNULL)
    return Installation(folder, url)
