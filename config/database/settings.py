"""Where the data lies: SQLite for a first run, PostgreSQL for production."""

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from environ import Env
from psycopg import ProgrammingError
from psycopg.conninfo import make_conninfo

from config.env import ConfigurationError

POSTGRES_CONNECT_SECONDS = 2
POSTGRES_STATEMENT_MS = 30_000
# A machine that vanished closes no connection: without these a request waits for it for a quarter of an hour.
POSTGRES_LOST = {
    "tcp_user_timeout": 1_500,  # ms without an acknowledgement; noticed up to half a second late
    "keepalives_idle": 1,  # s until an answer that is waited for is asked after
    "keepalives_interval": 1,
    "keepalives_count": 2,
}
PREPARE_THRESHOLD = 5  # times that a statement comes before the database keeps its plan
SQLITE_WAIT_SECONDS = 20


def database_config(url: str, data_dir: Path) -> dict[str, Any]:
    """Return Django's settings for the database at `url`, or for SQLite in the data folder.

    Raises ConfigurationError, which never repeats the URL: a password may be in it.
    """
    scheme = url.partition(":")[0] if url else "sqlite"
    if scheme == "sqlite":
        return _sqlite(url or f"sqlite:///{data_dir / 'keyhouse.sqlite3'}")
    if scheme in {"postgres", "postgresql"}:
        return _postgres(url)
    raise ConfigurationError("DATABASE_URL: this is not supported; use postgres:// or sqlite:///")


def _sqlite(url: str) -> dict[str, Any]:
    """IMMEDIATE transactions take the write lock at their start, so that none fails halfway for it."""
    name = url.removeprefix("sqlite:///")
    if name in {url, "", ":memory:"} or "?" in name:
        raise ConfigurationError("DATABASE_URL: is not sqlite:///PATH, of a file, without options")
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
    if not config.get("NAME"):
        raise ConfigurationError(
            "DATABASE_URL: is not postgres://USER:PASSWORD@HOST:PORT/NAME (in a password, write / as %2F)"
        )
    config["ENGINE"] = "config.database.postgresql"
    config["CONN_MAX_AGE"] = 300
    options = {"connect_timeout": POSTGRES_CONNECT_SECONDS, **POSTGRES_LOST, **config.get("OPTIONS", {})}
    is_pooled = _is_pooled(options)
    if is_pooled:
        config["DISABLE_SERVER_SIDE_CURSORS"] = True  # these outlive their transaction
    else:
        options.setdefault("options", f"-c statement_timeout={POSTGRES_STATEMENT_MS}")
    # Statements are sent apart from their values, and planned once if they come often.
    prepared = {"server_side_binding": True, "prepare_threshold": _threshold(options, is_pooled)}
    try:
        make_conninfo(**options)
    except ProgrammingError as error:
        raise ConfigurationError(f"DATABASE_URL: {error}") from None
    config["OPTIONS"] = options | prepared
    return config


def _is_pooled(options: dict[str, Any]) -> bool:
    """Take ?pgbouncer=true out of the options: clients share connections, and leave nothing in them."""
    sent = str(options.pop("pgbouncer", "false")).lower()
    if sent not in {"true", "false"}:
        raise ConfigurationError("DATABASE_URL: pgbouncer is not true or false")
    if sent == "true" and "options" in options:
        raise ConfigurationError("DATABASE_URL: PgBouncer takes no options; set them with ALTER ROLE")
    return sent == "true"


def _threshold(options: dict[str, Any], is_pooled: bool) -> int | None:
    """Take ?prepare_threshold=none out of the options: some poolers know no prepared statements."""
    sent = str(options.pop("prepare_threshold", "none" if is_pooled else PREPARE_THRESHOLD)).lower()
    if sent != "none" and not (sent.isascii() and sent.isdigit()):
        raise ConfigurationError("DATABASE_URL: prepare_threshold is not a number or none")
    return None if sent == "none" else int(sent)
