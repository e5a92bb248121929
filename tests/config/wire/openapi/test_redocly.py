"""Redocly lints the OpenAPI document of each profile, with its strict rules."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from config.profiles import Profile
from config.wire.openapi import pages
from tests.browser.chromium import REDOCLY
from tests.config.profile_texts import SHIPPED, profile_called
from tests.npm import installed

pytestmark = [pytest.mark.once, pytest.mark.slow]

QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}


def test_redocly_finds_nothing(served_profile: Callable[[Profile], None], tmp_path: Path) -> None:
    folder = installed(REDOCLY)
    if folder is None:  # the end of ./run test says that it was missing
        pytest.skip("Node is not here, or npm cannot get redocly")
    for name in SHIPPED:
        served_profile(profile_called(name))
        (tmp_path / f"{name}.json").write_bytes(pages.document().body)
    command: list[str | Path] = ["node_modules/.bin/redocly", "lint", "--format=stylish"]
    command += sorted(tmp_path.glob("*.json"))
    run = subprocess.run(command, cwd=folder, env=os.environ | QUIET, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout
