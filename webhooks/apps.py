from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "webhooks"
    verbose_name = "Webhooks"

    def ready(self) -> None:
        from accounts import background, encrypted
        from accounts.mail import delivery
        from accounts.mail.messages import MailKind
        from webhooks.delivery.worker import send_due
        from webhooks.encrypted import COLUMN
        from webhooks.mails import prepare_stopped

        encrypted.columns.append(COLUMN)
        background.register(send_due, "webhooks not sent to yet")
        delivery.register(MailKind.WEBHOOK_STOPPED, prepare_stopped)
