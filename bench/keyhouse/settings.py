"""Keyhouse's own settings, with the measured view among the addresses."""

from config.settings import *  # noqa: F403

PASSWORD_HASHERS = ["bench.keyhouse.login.TimedArgon2"]
ROOT_URLCONF = "bench.keyhouse.urls"
