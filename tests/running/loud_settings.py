"""The real settings with every logger at DEBUG, to see what a server could ever write down."""

from config.settings import *  # noqa: F403
from config.settings import LOGGING

LOGGING["root"]["level"] = "DEBUG"  # type: ignore[index]
for logger in LOGGING["loggers"].values():  # type: ignore[attr-defined]
    logger["level"] = "DEBUG"
