"""Loaded by pytest before Django reads its settings: where tests keep their data."""

import atexit
import os
import shutil
import tempfile

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
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.running.settings"
