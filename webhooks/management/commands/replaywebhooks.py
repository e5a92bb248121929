from typing import Any

from access.callers import caller_at_command_line
from config.commands.base import KeyhouseCommand, Output
from config.wire.errors import DomainError, NotFound
from config.wire.ids import find, public_id
from webhooks.delivery.parcels import wanted_between
from webhooks.models import Webhook
from webhooks.services.sending import replay


class Command(KeyhouseCommand):
    help = "Send past events to a webhook again, with the same ids. Running servers send them."
    examples = ("{} WEBHOOK --first 1200 --last 1350 --dry-run", "{} WEBHOOK --first 1200 --json")

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("webhook", help="id of the webhook, as listwebhooks shows it")
        parser.add_argument(
            "--first", type=int, required=True, help="number of the first event in the audit log"
        )
        parser.add_argument("--last", type=int, help="number of the last event; default: where it is now")
        parser.add_argument("--dry-run", action="store_true", help="only count the events")

    def run(self, options: dict[str, Any]) -> Output:
        webhook = _named(options["webhook"])
        first, last = options["first"], options["last"]
        last = webhook.cursor if last is None else last
        count = wanted_between(webhook, first, last).count()
        if not options["dry_run"]:
            replay(caller=caller_at_command_line(), webhook=webhook, first=first, last=last)
        document = {
            "webhook": public_id("webhook", webhook),
            "first": first,
            "last": last,
            "events": count,
            "dry_run": options["dry_run"],
        }
        said = "would be sent" if options["dry_run"] else "will be sent"
        return Output(document, f"{count} events {said} to {webhook} again.")


def _named(text: str) -> Webhook:
    try:
        found: Webhook = find("webhook", Webhook.objects.all(), text)
    except NotFound:
        raise DomainError(f"{text!a} is not the id of a webhook; listwebhooks shows the ids.") from None
    return found
