from typing import Any

from accounts.mail.delivery import send_due
from accounts.models import Mail
from config.commands.base import KeyhouseCommand, Output


class Command(KeyhouseCommand):
    help = "Send the mails that are due, once. Running servers send them without this command."
    examples = ("{}",)

    def run(self, options: dict[str, Any]) -> Output:
        done = send_due()
        document = {"sent": done.sent, "failed": done.failed, "waiting": Mail.objects.count()}
        return Output(document, "{sent} sent, {failed} failed, {waiting} waiting.".format(**document))
