"""The very first start, with an operator at the terminal."""

import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from tests.installation import ADMIN, PROJECT, START_SECONDS, Installation

pytestmark = [pytest.mark.once, pytest.mark.slow]

PASSWORD = ADMIN["KEYHOUSE_ADMIN_PASSWORD"]


@dataclass
class Terminal:
    """A terminal: what a person sees of a process, and types into it."""

    screen: int
    process: "subprocess.Popen[bytes]"
    seen: str = ""
    looked_at: int = 0

    def wait_for(self, words: str) -> None:
        """Wait until the screen shows `words`, after the words of the last call."""
        while (place := self.seen.find(words, self.looked_at)) < 0:
            self.seen += self._read()
        self.looked_at = place + len(words)

    def type(self, text: str) -> None:
        os.write(self.screen, text.encode())

    def end(self) -> int:
        """Read the rest of the output, and return the exit code."""
        try:
            while True:
                self.seen += self._read()
        except OSError:  # the other side has closed its terminal
            return self.process.wait(timeout=60)

    def _read(self) -> str:
        ready, _, _ = select.select([self.screen], [], [], START_SECONDS)
        assert ready, f"nothing happens any more: {self.seen}"
        data = os.read(self.screen, 4096)
        if not data:
            raise OSError("the terminal is closed")
        return data.decode()


def hear_interrupts() -> None:
    """A shell that starts the tests in the background makes them and their children ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def at_a_terminal(installation: Installation, *arguments: str) -> Iterator[Terminal]:
    screen, keyboard = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, str(PROJECT / "manage.py"), *arguments],
        stdin=keyboard,
        stdout=keyboard,
        stderr=keyboard,
        env=installation.environment,
        start_new_session=True,
        preexec_fn=hear_interrupts,
    )
    os.close(keyboard)
    try:
        yield Terminal(screen, process)
    finally:
        process.kill()
        process.wait()
        os.close(screen)


def test_the_first_start_asks_for_the_administrator(migrated_installation: Installation) -> None:
    with at_a_terminal(migrated_installation, "setup") as terminal:
        terminal.wait_for("User name [admin]: ")
        terminal.type("ada\n")
        terminal.wait_for("E-mail address [admin@localhost]: ")
        terminal.type("ada@example.org\n")
        type_password(terminal, PASSWORD)
        assert terminal.end() == 0
    assert "Administrator ada (ada@example.org) created." in terminal.seen
    assert PASSWORD not in terminal.seen
    assert migrated_installation.manage_json("createapikey", "--name", "k", "--user", "ada")["name"] == "k"


def test_it_says_what_is_wrong_and_asks_again(migrated_installation: Installation) -> None:
    with at_a_terminal(migrated_installation, "setup") as terminal:
        accept_names(terminal)
        type_password(terminal, "too short")
        terminal.wait_for("It must have at least 15 characters")
        accept_names(terminal)
        terminal.wait_for("Password: ")
        terminal.type(f"{PASSWORD}\n")
        terminal.wait_for("Password again: ")
        terminal.type("something else\n")
        terminal.wait_for("The two entries differ. Try again.")
        type_password(terminal, PASSWORD)
        assert terminal.end() == 0
    assert "Administrator admin (admin@localhost) created." in terminal.seen


def test_stopping_in_the_middle_leaves_nothing_behind(
    migrated_installation: Installation,
) -> None:
    with at_a_terminal(migrated_installation, "setup") as terminal:
        terminal.wait_for("User name [admin]: ")
        terminal.type("\x04")
        assert terminal.end() != 0
    assert "Traceback" not in terminal.seen
    assert "keyhouse: the input ended too early" in terminal.seen
    assert migrated_installation.manage_json("auditverify")["events"] == 0


def test_an_interrupt_prints_no_traceback(migrated_installation: Installation) -> None:
    with at_a_terminal(migrated_installation, "setup") as terminal:
        accept_names(terminal)
        terminal.wait_for("Password: ")
        terminal.process.send_signal(2)
        assert terminal.end() != 0
    assert "Traceback" not in terminal.seen


def accept_names(terminal: Terminal) -> None:
    terminal.wait_for("User name [admin]: ")
    terminal.type("\n")
    terminal.wait_for("E-mail address [admin@localhost]: ")
    terminal.type("\n")


def type_password(terminal: Terminal, password: str) -> None:
    terminal.wait_for("Password: ")
    terminal.type(f"{password}\n")
    terminal.wait_for("Password again: ")
    terminal.type(f"{password}\n")
