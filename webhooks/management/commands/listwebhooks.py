from typing import Any

from config.commands.base import KeyhouseCommand, Output, listing
from config.database.rows import in_parts
from webhooks.documents import HEADS, as_document
from webhooks.models import Webhook


class Command(KeyhouseCommand):
    help = "List webhooks, newest first. Of their URLs only the host is shown."
    examples = ("{}", "{} --json")

    def run(self, options: dict[str, Any]) -> Output:
        rows = in_parts(Webhook.objects.select_related("organization"))
        return listing(HEADS, map(as_document, rows), empty="No webhooks.")
