"""The real settings, with a URL whose view fails."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "tests.config.telemetry.failing_urls"
