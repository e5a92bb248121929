"""The mail that a webhook was disabled, made when it is sent."""

from django.conf import settings
from django.urls import reverse

from accounts.mail.messages import Message, Template
from accounts.models import Mail
from accounts.users.names import fold_email
from audit.actors import Origin
from webhooks.authority import managers_of
from webhooks.models import Webhook


def prepare_stopped(mail: Mail, origin: Origin) -> Message | None:
    """Return the mail; None if the webhook works again, is deleted, or is not the person's to manage."""
    webhook = Webhook.objects.filter(pk=mail.about, disabled_at__isnull=False).first()
    if webhook is None or not managers_of(webhook).filter(email_key=fold_email(mail.address)).exists():
        return None
    page = reverse("admin:webhooks_webhook_change", args=[webhook.pk])
    if webhook.organization is not None:
        page = reverse("console-webhook", args=[webhook.organization.uuid, webhook.uuid])
    values = {
        "host": str(webhook),
        "why": webhook.get_stop_display(),
        "at": webhook.disabled_at,
        "organization": webhook.organization,
        "page": f"{settings.PUBLIC_URL}{page}",
    }
    return Message(mail.address, Template.WEBHOOK_STOPPED, values)
