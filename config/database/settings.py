"""Django's settings for the database: SQLite for a first run, PostgreSQL for production."""

import re
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from environ import Env
from psycopg import ProgrammingError
from psycopg.conninfo import make_conninfo

from config.env import ConfigurationError

SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}://")  # RFC 3986 section 3.1
POSTGRES_CONNECT_SECONDS = 2
POSTGRES_STATEMENT_MS = 30_000
# A machine that vanishes closes no connection. Without these, a request would wait a quarter of an hour.
POSTGRES_LOST = {
    "tcp_user_timeout": 1_500,  # ms without an acknowledgement; noticed up to half a second late
    "keepalives_idle": 1,  # s of waiting before the first probe
    "keepalives_interval": 1,
    "keepalives_count": 2,
}
PREPARE_THRESHOLD = 5  # executions of a statement before the database keeps its plan
SQLITE_WAIT_SECONDS = 20


def database_config(url: str, data_dir: Path) -> dict[str, Any]:
    """Return Django's settings for the database at `url`, or for SQLite in the data folder.

    Raises ConfigurationError, which never repeats the URL, since it may contain a password.
    """
    scheme = url.partition(":")[0] if url else "sqlite"
    if scheme == "sqlite":
        return _sqlite(url or f"sqlite:///{data_dir / 'keyhouse.sqlite3'}")
    if scheme in {"postgres", "postgresql"}:
        return _postgres(url)
    typed = f"begins with {scheme}://, and " if SCHEME.match(url) else ""
    raise ConfigurationError(f"DATABASE_URL: {typed}must begin with postgres:// or sqlite:///")


def _sqlite(url: str) -> dict[str, Any]:
    """Return the settings for SQLite. IMMEDIATE transactions lock at their start, so none fails halfway."""
    name = url.removeprefix("sqlite:///")
    if name in {url, "", ":memory:"} or "?" in name:
        raise ConfigurationError("DATABASE_URL: must be sqlite:///PATH of a file, without options")
    config: dict[str, Any] = {"ENGINE": "django.db.backends.sqlite3", "NAME": name}
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
        config = {}
    if not config.get("NAME") or "://" not in url:
        raise ConfigurationError(
            "DATABASE_URL: must be postgres://USER:PASSWORD@HOST:PORT/NAME (in a password, write / as %2F)"
        )
    config["ENGINE"] = "config.database.postgresql"
    config["CONN_MAX_AGE"] = 300
    options = {"connect_timeout": POSTGRES_CONNECT_SECONDS, **POSTGRES_LOST, **config.get("OPTIONS", {})}
    is_pooled = _is_pooled(options)
    if is_pooled:
        config["DISABLE_SERVER_SIDE_CURSORS"] = True  # they outlive their transaction
    else:
        options.setdefault("options", f"-c statement_timeout={POSTGRES_STATEMENT_MS}")
    # Statements are sent apart from their values, and frequent ones are planned once.
    prepared = {"server_side_binding": True, "prepare_threshold": _threshold(options, is_pooled)}
    try:
        make_conninfo(**options)
    except ProgrammingError as error:
        raise ConfigurationError(f"DATABASE_URL: {error}") from None
    config["OPTIONS"] = options | prepared
    return config


def _is_pooled(options: dict[str, Any]) -> bool:
    """Remove ?pgbouncer=true from the options, and return whether PgBouncer shares the connections."""
    sent = str(options.pop("pgbouncer", "false")).lower()
    if sent not in {"true", "false"}:
        raise ConfigurationError("DATABASE_URL: pgbouncer must be true or false")
    if sent == "true" and "options" in options:
        raise ConfigurationError("DATABASE_URL: PgBouncer accepts no options; set them with ALTER ROLE")
    return sent == "true"


def _threshold(options: dict[str, Any], is_pooled: bool) -> int | None:
    """Remove ?prepare_threshold=none from the options: some poolers do not support prepared statements."""
    sent = str(options.pop("prepare_threshold", "none" if is_pooled else PREPARE_THRESHOLD)).lower()
    if sent != "none" and not (sent.isascii() and sent.isdigit()):
        raise ConfigurationError("DATABASE_URL: prepare_threshold must be a number or none")
    return None if sent == "none" else int(sent)
