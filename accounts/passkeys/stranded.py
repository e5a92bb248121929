"""A warning about passkeys for a host that this installation no longer has."""

import logging

from django.db import connection
from django.db.models import Count

from accounts.models import Passkey
from accounts.passkeys.relying_party import relying_party

log = logging.getLogger("keyhouse.passkeys")


def warn_of_stranded_passkeys() -> None:
    """Log how many passkeys work only at another host than that of KEYHOUSE_PUBLIC_URL."""
    if Passkey._meta.db_table not in connection.introspection.table_names():
        return  # the database is not set up, or is an older version's
    party = relying_party()
    others = Passkey.objects.exclude(rp_id=party.id).order_by().values("rp_id").annotate(count=Count("pk"))
    for other in others.order_by("rp_id"):
        log.warning(
            "passkeys that work only at %s: %d. KEYHOUSE_PUBLIC_URL now has the host %s. Their owners need "
            "recovery codes, or an administrator who removes their second factor",
            other["rp_id"],
            other["count"],
            party.id or "that no passkey can have",
        )
