from datetime import datetime
from typing import Any

from apikeys.services.pepper_coverage import Coverage, coverage
from audit.actors import Origin
from config.commands.base import KeyhouseCommand, Output, listing
from config.wire.fields import timestamp

HEADS = (
    *("pepper", "state", "known_since", "api_keys", "last_used_at", "recovery_codes", "oauth2_clients"),
    "removable",
)


class Command(KeyhouseCommand):
    help = "List the peppers, what is stored under each, and which of them you can remove."
    needs_secrets = False
    examples = ("{}", "{} --json")

    def run(self, options: dict[str, Any]) -> Output:
        found = map(_as_document, coverage(Origin.here().at))
        return listing(HEADS, found, empty="No peppers.")


def _as_document(found: Coverage) -> dict[str, Any]:
    return {
        "pepper": found.number,
        "state": _state(found),
        "known_since": _time(found.known_since),
        "api_keys": found.api_keys,
        "last_used_at": _time(found.last_used_at),
        "recovery_codes": found.recovery_codes,
        "oauth2_clients": found.oauth_clients,
        "removable": found.is_removable,
    }


def _state(found: Coverage) -> str:
    if found.number is None:
        return "unnumbered"
    if not found.is_here:
        return "missing"
    return "current" if found.is_current else "known"


def _time(moment: datetime | None) -> str | None:
    return timestamp(moment) if moment else None
