"""Keyhouse itself, set up with nothing but defaults, so that every build gives the same pages."""

import atexit
import os
import shutil
import tempfile
from functools import cache

from config.variables import VARIABLES


@cache
def set_up() -> None:
    """Make Django ready, with a data folder that is gone afterwards and no variable of the caller's."""
    for name in VARIABLES:
        os.environ.pop(name, None)
        os.environ.pop(f"{name}_FILE", None)
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ |= {"KEYHOUSE_DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "config.settings"}
    import django

    django.setup()
