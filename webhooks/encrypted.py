"""What webhooks store encrypted with the seed keys."""

from django.utils import timezone

from accounts.encrypted import Encrypted
from webhooks.models import Webhook


def _ending(webhook: Webhook) -> list[str]:
    return webhook.ending_secrets(timezone.now())


COLUMN = Encrypted("secrets of webhooks", Webhook.objects.all, "secret", _ending)
