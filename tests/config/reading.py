"""Reads config/settings.py again inside this process, with another environment."""

import runpy
from pathlib import Path
from typing import Any

import pytest

from config.variables import VARIABLES
from tests.installation import PROJECT


def read_settings(folder: Path, **variables: str) -> dict[str, Any]:
    """The settings of an installation in `folder` with these variables and no others of ours.

    Raises ConfigurationError, as the settings do.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in VARIABLES:
            patch.delenv(name, raising=False)
            patch.delenv(f"{name}_FILE", raising=False)
        for name, value in {"KEYHOUSE_DATA_DIR": str(folder / "var"), **variables}.items():
            patch.setenv(name, value)
        return runpy.run_path(str(PROJECT / "config" / "settings.py"))
