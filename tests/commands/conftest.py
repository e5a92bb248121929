"""An installation that several tests share: for those that change nothing in it."""

from collections.abc import Iterator

import pytest

from tests.installation import Installation, copy_of


@pytest.fixture(scope="session")
def shared_installation(
    after_first_start: Installation, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    with copy_of(after_first_start, tmp_path_factory.mktemp("shared")) as copy:
        yield copy
