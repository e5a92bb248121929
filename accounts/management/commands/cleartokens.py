from datetime import UTC, datetime
from typing import Any

from accounts.services.consents import clear_ended
from config.commands import KeyhouseCommand


class Command(KeyhouseCommand):
    help = "Delete what has ended of OAuth2: consents, codes and tokens that are too old to be used."

    def run(self, options: dict[str, Any]) -> tuple[Any, str]:
        deleted = clear_ended(now=datetime.now(UTC))
        return {"deleted": deleted}, f"{deleted} rows deleted."
