"""The real settings, with a fast password hash and, on SQLite, a database that threads can share."""

from config.settings import *  # noqa: F403
from config.settings import DATA_DIR, DATABASES

PASSWORD_HASHERS = ["tests.hashers.FastArgon2"]
DATABASES["default"]["TEST"] = (
    {"NAME": str(DATA_DIR / "test.sqlite3")} if "sqlite" in DATABASES["default"]["ENGINE"] else {}
)
EPOCH_LEASE_SECONDS = 0.0  # most tests never commit: what they change would not be seen
ADMIN_SECOND_FACTOR = False  # tests/admin/test_second_factor.py is about it
WHITENOISE_AUTOREFRESH = True  # else each test client reads the names of all static files
