"""Sends errors of a server to Sentry, if SENTRY_DSN is set: no head, body, address or value of a variable.

Only `serve` starts it, in each process after the fork. Each log record of level ERROR becomes an event.
"""

import re
from typing import Any

from config.env import ConfigurationError
from config.logs import REQUEST_ID, mask

INSTALL = "run `./run install observability`, or install requirements-observability.txt"
EMAIL = re.compile(r"[^\s@<>\"'(]{1,64}@[^\s@<>\"')]{1,255}")
KEPT = (
    "event_id",
    "timestamp",
    "level",
    "logger",
    "platform",
    "release",
    "environment",
    "server_name",
    "sdk",
)


def check(dsn: str) -> None:
    """Raise ConfigurationError if `dsn` is set, but Sentry's package is missing or the DSN is malformed."""
    if not dsn:
        return
    try:
        from sentry_sdk.utils import BadDsn, Dsn
    except ImportError:
        raise ConfigurationError(f"SENTRY_DSN: needs the package sentry-sdk; {INSTALL}") from None
    try:
        Dsn(dsn)
    except BadDsn as error:
        raise ConfigurationError(f"SENTRY_DSN: must be https://KEY@HOST/PROJECT: {error}") from None


def start(dsn: str) -> None:
    """Start sending errors of this process to Sentry."""
    import sentry_sdk
    from sentry_sdk.integrations.atexit import AtexitIntegration
    from sentry_sdk.integrations.dedupe import DedupeIntegration
    from sentry_sdk.integrations.logging import LoggingIntegration

    sentry_sdk.init(
        dsn,
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[
            LoggingIntegration(level=None),
            DedupeIntegration(),
            AtexitIntegration(callback=lambda *_: None),
        ],
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        auto_session_tracking=False,
        before_send=lambda event, _: cleaned(event),
    )


def cleaned(event: Any) -> Any:
    """Return of an event only what says where in the code it happened, and texts without credentials."""
    kept = {name: event[name] for name in KEPT if name in event}
    logged = event.get("logentry", {})
    if logged:
        kept["logentry"] = {"message": _clean(logged.get("formatted") or logged.get("message", ""))}
    if "exception" in event:
        kept["exception"] = {"values": [_exception(each) for each in event["exception"]["values"]]}
    request_id = REQUEST_ID.get()
    if request_id:
        kept["tags"] = {"request_id": request_id}
    return kept


def _exception(each: Any) -> dict[str, Any]:
    """Return an exception without values of variables. PostgreSQL quotes those of a row behind a line end."""
    text = str(each.get("value") or "").partition("\n")[0]
    kept = {name: each[name] for name in ("type", "module", "mechanism", "stacktrace") if name in each}
    for frame in kept.get("stacktrace", {}).get("frames", ()):
        frame.pop("vars", None)
    return {**kept, "value": _clean(text)}


def _clean(text: str) -> str:
    return EMAIL.sub("…", mask(text))
