"""The settings of commands and servers in tests: the real ones, with the fast password hash of all tests."""

from config.settings import *  # noqa: F403

PASSWORD_HASHERS = ["tests.running.hashers.FastArgon2"]
