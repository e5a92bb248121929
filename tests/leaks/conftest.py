from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from tests.leaks.github import Github, running


@pytest.fixture
def github(settings: Settings) -> Iterator[Github]:
    with running(Github()) as server:
        settings.GITHUB_KEYS_URL = server.url
        yield server
