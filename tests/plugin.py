"""Loaded by pytest before Django reads its settings: where tests keep their data; which half runs what."""

import atexit
import os
import re
import shutil
import tempfile
import zlib
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
FOLDER = tempfile.mkdtemp(prefix="keyhouse-tests-")
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)

for name in [
    name for name in os.environ if name.startswith("KEYHOUSE_") and not name.startswith("KEYHOUSE_TEST_")
]:
    del os.environ[name]
for name in ("SECRET_KEY", "ALLOWED_HOSTS", "DEBUG", "CACHE_URL", "EMAIL_URL"):
    os.environ.pop(name, None)

os.environ["KEYHOUSE_DATA_DIR"] = FOLDER
server = os.environ.get("KEYHOUSE_TEST_SERVER", "").replace("/postgres?", "/keyhouse_test?")
os.environ["DATABASE_URL"] = server or f"sqlite:///{FOLDER}/main.sqlite3"
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With -k, import only files that contain one of its words: importing all takes longer than a test."""
    chosen = _files_with(config.getoption("keyword"))
    return True if chosen and collection_path.suffix == ".py" and collection_path not in chosen else None


@cache
def _files_with(expression: str) -> frozenset[Path]:
    """The files of tests in which, or in whose path, one of the words is; none if they may all be meant."""
    words = set(re.findall(r"\w+", expression.lower())) - {"and", "or"}
    if not words or "not" in words:
        return frozenset()
    texts = {path: f"{path} {path.read_text()}".lower() for path in TESTS.rglob("test_*.py")}
    return frozenset(path for path, text in texts.items() if any(word in text for word in words))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave tests that are the same on every database (`once`) to one half of ./run test, by their file."""
    half = {"sqlite": 0, "postgresql": 1}.get(os.environ.get("KEYHOUSE_TEST_VENDOR", ""))
    others = [item for item in items if half is not None and _is_of_other_half(item, half)]
    items[:] = [item for item in items if item not in set(others)]
    config.hook.pytest_deselected(items=others)


def _is_of_other_half(item: pytest.Item, half: int) -> bool:
    return item.get_closest_marker("once") is not None and zlib.crc32(item.location[0].encode()) % 2 != half
