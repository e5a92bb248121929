"""The program itself: its version, its folder, and how operators call its commands."""

from pathlib import Path

VERSION = "0.1.0"
FOLDER = Path(__file__).resolve().parent.parent  # of the clone, or the site-packages of an installed wheel
IS_CLONE = (FOLDER / "manage.py").is_file()


def command(name: str) -> str:
    """Return how an operator calls a command: `manage.py NAME` in a clone, else `keyhouse NAME`."""
    return f"{'manage.py' if IS_CLONE else 'keyhouse'} {name}"
