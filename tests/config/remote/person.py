"""A person who logs in at the command line, and the keyring of their system."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

from accounts.models import User
from config.management.commands.login import Command
from oauth.models import DeviceCode
from tests.config.remote.serving import Elsewhere
from tests.console.helpers import console_of
from tests.oauth.devices.flow import device_client

AS = ("--client-id",)
CODE = re.compile(r"[B-Z]{4}-[B-Z]{4}")


class Memory(KeyringBackend):
    """A backend of the keyring library, which the tests can look into."""

    priority = 5

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}
        self.is_locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.is_locked:
            raise KeyringLocked("a text of the system")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError("not found")


class Person:
    """What a person does while the command waits for its next poll."""

    def __init__(
        self, elsewhere: Elsewhere, patch: pytest.MonkeyPatch, output: pytest.CaptureFixture[str]
    ) -> None:
        self.elsewhere, self.patch, self.output, self.shown = elsewhere, patch, output, ""
        self.waited: list[float] = []

    def does(self, *steps: Callable[[], None]) -> None:
        """Do these things, one before each poll."""
        waiting = iter(steps)

        def wait(seconds: float) -> None:
            self.waited.append(seconds)
            self.shown += self.output.readouterr().err
            self.elsewhere.do_here(next(waiting))

        self.patch.setattr(Command, "wait", staticmethod(wait))

    def answer(self, user: User, said: str = "allow") -> Callable[[], None]:
        """Answer in a browser, after the interval has passed."""

        def in_time() -> None:
            let_time_pass()
            code = CODE.findall(self.shown)[-1]
            console_of(user).post(f"/device?user_code={code}", {"answer": said})

        return in_time

    def logs_in(self, user: User, *options: str) -> str:
        """Log in at the command line; return what that prints."""
        self.does(self.answer(user))
        return self.elsewhere.output("login", *AS, device_client().row.client_id, *options)


def let_time_pass() -> None:
    DeviceCode.objects.exclude(polled_at=None).update(polled_at=datetime.now(UTC) - timedelta(minutes=1))
