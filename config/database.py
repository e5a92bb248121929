"""Where the data lies: SQLite for a first run, PostgreSQL for production."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from environ import Env

from config.env import ConfigurationError

POSTGRES_CONNECT_SECONDS = 2
POSTGRES_STATEMENT_MS = 30_000
SQLITE_WAIT_SECONDS = 20


def database_config(url: str, data_dir: Path) -> dict[str, Any]:
    """Return Django's settings for the database at `url`, or for SQLite in the data folder."""
    scheme = urlsplit(url).scheme if url else "sqlite"
    if scheme == "sqlite":
        return _sqlite(url, data_dir)
    if scheme in {"postgres", "postgresql"}:
        return _postgres(url)
    raise ConfigurationError(f"DATABASE_URL: {scheme!r} is not supported; use postgres:// or sqlite:///")


def _sqlite(url: str, data_dir: Path) -> dict[str, Any]:
    """IMMEDIATE transactions take the write lock at their start, so that none fails halfway for it."""
    config: dict[str, Any] = (
        dict(Env.db_url_config(url))
        if url
        else {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(data_dir / "keyhouse.sqlite3"),
        }
    )
    config["OPTIONS"] = {
        "timeout": SQLITE_WAIT_SECONDS,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
    return config


def _postgres(url: str) -> dict[str, Any]:
    try:
        config: dict[str, Any] = dict(Env.db_url_config(url))
    except (ImproperlyConfigured, ValueError):
        raise ConfigurationError("DATABASE_URL: is not postgres://USER:PASSWORD@HOST:PORT/NAME") from None
    config["CONN_MAX_AGE"] = 300
    config["OPTIONS"] = {
        "connect_timeout": POSTGRES_CONNECT_SECONDS,
        "options": f"-c statement_timeout={POSTGRES_STATEMENT_MS}",
    } | config.get("OPTIONS", {})
    return config
