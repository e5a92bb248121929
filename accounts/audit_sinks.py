"""The sinks of the audit log that this installation has, and the threads that fill them."""

from functools import partial
from pathlib import Path

from django.conf import settings

from accounts import background
from accounts.signing.checkpoints import signer
from audit.export.lines import FORMS
from audit.sinks import file, syslog
from audit.sinks.delivery import Outlet, deliver

SYSLOG, FILE = "syslog", "file"


def outlets() -> list[Outlet]:
    """Return the sinks that the settings name."""
    form = FORMS[settings.AUDIT_FORMAT]
    found = []
    if settings.AUDIT_SYSLOG is not None:
        receiver = syslog.Receiver(
            settings.AUDIT_SYSLOG, settings.AUDIT_SYSLOG_CA, settings.AUDIT_SYSLOG_CERTIFICATE
        )
        found.append(Outlet(SYSLOG, partial(syslog.send, receiver, settings.PUBLIC_HOST), form))
    if settings.AUDIT_FILE:
        found.append(Outlet(FILE, partial(file.append, Path(settings.AUDIT_FILE)), form))
    return found


def register() -> None:
    """Let servers fill each sink, in a thread of its own."""
    for outlet in outlets():
        background.register_apart(
            f"keyhouse-audit-{outlet.name}",
            partial(_fill, outlet),
            f"audit events not sent to {outlet.name} yet",
        )


def _fill(outlet: Outlet) -> None:
    deliver(outlet, signer())
