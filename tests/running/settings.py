"""The real settings, with a fast password hash."""

from config.settings import *  # noqa: F403

PASSWORD_HASHERS = ["tests.running.hashers.FastArgon2"]
EPOCH_LEASE_SECONDS = 0.0  # most tests never commit: what they change would not be seen
ADMIN_SECOND_FACTOR = False  # tests/admin/people/test_second_factor.py is about it
WHITENOISE_AUTOREFRESH = True  # else each test client reads the names of all static files
