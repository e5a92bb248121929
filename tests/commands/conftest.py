"""An installation that several tests share: for those that change nothing in it."""

from collections.abc import Iterator

import pytest

from tests.installation import ADMIN, Installation, fresh_database


@pytest.fixture(scope="session")
def shared_installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("shared")
    with fresh_database(folder) as url:
        installation = Installation(folder, url)
        done = installation.manage("setup", **ADMIN)
        assert done.returncode == 0, done.stderr
        yield installation
