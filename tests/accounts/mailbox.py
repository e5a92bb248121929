"""A real mail server for tests, on a port of this machine, and what is in the mails that it got."""

import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from pytest_django.fixtures import Settings

from accounts.models import Mail
from tests.installation import free_port

logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd logs every line that it gets
PATIENCE_SECONDS = 60
LINK = re.compile(r"https?://\S+\?token=([0-9a-f]{64})(?=\s)")


@dataclass
class Mailbox:
    """What an SMTP server has got. While `refusing`, it refuses every recipient for now.

    `answers` are what it says instead of 250, by command: MAIL, RCPT or DATA (after the mail has come).
    It calls `on_mail` before it answers that it has got one. The server runs in a thread of its own.
    """

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    refusing: bool = False
    answers: dict[str, str] = field(default_factory=dict)
    on_mail: Callable[[], object] = lambda: None
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        """What EMAIL_URL has to be for a server to send here."""
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if self.refusing:
            return "451 try again later"
        if "RCPT" in self.answers:
            return self.answers["RCPT"]
        envelope.rcpt_tos.append(address)
        self.recipients.append(address)
        return "250 OK"

    async def handle_MAIL(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.answers.get("MAIL", "250 OK")

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if "DATA" in self.answers:
            return self.answers["DATA"]
        self.on_mail()
        with self.changed:
            self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
            self.changed.notify_all()
        return "250 OK"

    def to(self, address: str) -> list[EmailMessage]:
        """The mails to an address, oldest first."""
        return [mail for mail in self.mails if mail["To"] == address]

    def wait_for(self, mails: int, to: str = "") -> list[EmailMessage]:
        """Return the mails to an address, or to anybody, once there are so many."""

        def found() -> list[EmailMessage]:
            return self.to(to) if to else self.mails

        with self.changed:
            came = self.changed.wait_for(lambda: len(found()) >= mails, PATIENCE_SECONDS)
        assert came, f"{len(found())} of {mails} mails came"
        return found()

    def subjects(self, address: str) -> list[str]:
        return [str(mail["Subject"]) for mail in self.to(address)]


@contextmanager
def listening(on_mail: Callable[[], object] = lambda: None, **options: Any) -> Iterator[Mailbox]:
    """A mail server that listens until the block ends; `options` are aiosmtpd's (TLS, logins)."""
    mailbox = Mailbox(free_port(), on_mail=on_mail)
    controller = Controller(mailbox, hostname="127.0.0.1", port=mailbox.port, **options)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()


def use_mail_server(settings: Settings, port: int) -> None:
    """Send mail by real SMTP to this port, even if no server listens there."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port


def plain(mail: EmailMessage) -> str:
    """The plain text of a mail."""
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def html(mail: EmailMessage) -> str:
    part = mail.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def token_in(mail: EmailMessage) -> str:
    """The token of the one link in a mail."""
    found = LINK.findall(plain(mail))
    assert len(found) == 1, plain(mail)
    return str(found[0])


def make_due() -> None:
    """Let the pauses of all waiting mails be over."""
    Mail.objects.update(next_try_at="2020-01-01T00:00:00Z")
