"""The texts of mails: subject, plain text and HTML, in the product's name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formataddr
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from accounts.users.names import mail_address
from config import profiles


class MailKind(StrEnum):
    """Why a mail is sent. The database stores these values."""

    RESET_PASSWORD = "reset_password"
    PASSWORD_CHANGED = "password_changed"
    PASSWORD_RESET = "password_reset"
    CONFIRM_EMAIL = "confirm_email"
    SECOND_FACTOR_ADDED = "second_factor_added"
    SECOND_FACTOR_REMOVED = "second_factor_removed"
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_REMOVED = "passkey_removed"
    RECOVERY_CODES_REPLACED = "recovery_codes_replaced"
    RECOVERY_WAITS = "second_factor_recovery"
    RECOVERY_STOPPED = "recovery_stopped"
    CONFIRM_NEW_EMAIL = "confirm_new_email"
    EMAIL_CHANGE_REQUESTED = "email_change_requested"
    EMAIL_CHANGED = "email_changed"
    EMAIL_CHANGE_UNDO = "email_change_undo"
    INVITATION = "invitation"
    KEY_NOTICES = "key_notices"
    KEY_WARNINGS = "key_warnings"
    WEBHOOK_STOPPED = "webhook_stopped"


class Template(StrEnum):
    """Templates in templates/mail/, each as .txt and .html; the first line of the .txt is the subject."""

    RESET_PASSWORD = "reset_password"
    PASSWORD_CHANGED = "password_changed"
    PASSWORD_RESET = "password_reset"
    CONFIRM_EMAIL = "confirm_email"
    SECOND_FACTOR_CHANGED = "second_factor_changed"
    RECOVERY_WAITS = "second_factor_recovery"
    ALREADY_REGISTERED = "already_registered"
    CONFIRM_NEW_EMAIL = "confirm_new_email"
    EMAIL_CHANGE_REQUESTED = "email_change_requested"
    EMAIL_CHANGED = "email_changed"
    EMAIL_CHANGE_UNDO = "email_change_undo"
    INVITATION = "invitation"
    KEY_NOTICES = "key_notices"
    KEY_WARNINGS = "key_warnings"
    WEBHOOK_STOPPED = "webhook_stopped"


@dataclass(frozen=True)
class Message:
    """A mail to render: its recipient, template, values and further headers."""

    to: str
    template: Template
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)  # they contain the token
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # so do they


def link(address: str, token: str) -> str:
    """Return `address`, which must come from the configuration and not from a request, with the token."""
    return f"{address}?{urlencode({'token': token})}"


def render(letter: Message) -> EmailMultiAlternatives:
    """Return the rendered mail."""
    product = profiles.active().product.name
    values = {"product": product, **letter.values}
    subject, _, text = render_to_string(f"mail/{letter.template}.txt", values).partition("\n")
    mail = EmailMultiAlternatives(
        subject, text.lstrip("\n"), formataddr((product, settings.MAIL_FROM)), [mail_address(letter.to)]
    )
    mail.attach_alternative(render_to_string(f"mail/{letter.template}.html", values), "text/html")
    mail.extra_headers["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office replies
    mail.extra_headers |= letter.headers
    return mail
