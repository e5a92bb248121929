"""How commands read standard input and talk to the operator at the terminal."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from config import env
from config.logs import escape

PROGRESS_SECONDS = 2.0

log = logging.getLogger("keyhouse.variables")


def has_terminal() -> bool:
    """Whether an operator at a terminal can answer questions."""
    return sys.stdin is not None and sys.stdin.isatty()


def read_line() -> str:
    """Return the first line of standard input. Raises CommandError if it is not text."""
    return _decoded(_standard_input().readline()).rstrip("\r\n")


def read_lines() -> list[str]:
    """Return the lines of standard input. Raises CommandError if they are not text."""
    return _decoded(_standard_input().read()).splitlines()


def _standard_input() -> Any:
    if sys.stdin is None:
        raise CommandError("standard input is closed")
    return sys.stdin.buffer


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")  # PowerShell pipes a byte order mark
    except UnicodeDecodeError:
        raise CommandError("standard input is not UTF-8 text") from None


def read_secret(prompt: str, *, from_stdin: bool) -> str:
    """Return a secret: the first line of standard input, or typed twice at the terminal; never from argv."""
    if from_stdin:
        return read_line()
    if not has_terminal():
        raise CommandError("cannot ask for the password without a terminal; use --password-stdin")
    return ask_twice(prompt)


def say(text: str, end: str = "\n") -> None:
    """Show a text to the operator, on stderr: standard output is for the command's output."""
    sys.stderr.write(f"{text}{end}")
    sys.stderr.flush()


def warn_of_unknown_variables() -> None:
    """Name variables that look like Keyhouse's, but are not, on stderr, in the form of the log."""
    for fault in env.unknown():
        if settings.LOG_FORMAT == "json":
            log.warning("%s", fault)
        else:
            say(f"keyhouse: warning: {escape(fault)}")


class Progress:
    """Tells the operator every two seconds how far a command is, unless it is `quiet`."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet, self.said_at = quiet, time.monotonic()

    def __call__(self, name: str, number: int) -> None:
        if not self.quiet and time.monotonic() - self.said_at >= PROGRESS_SECONDS:
            self.said_at = time.monotonic()
            say(f"{name}: {number} …")


@contextmanager
def progress_bar(title: str, total: int | None = None, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """Yield a function that takes how many of `total` are done, and shows it in a bar on a terminal only."""
    if quiet or not sys.stderr.isatty():
        yield _show_nothing
        return
    from rich import progress  # imported here: few commands show one
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeRemainingColumn(elapsed_when_finished=True),
    )
    with progress.Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=total)
        yield lambda done: bar.update(task, completed=done)


def _show_nothing(done: int) -> None:
    """Not on a terminal, or with --json."""


def ask(prompt: str, default: str) -> str:
    """Ask at the terminal; return the answer, or `default` if it is empty. Raises EOFError."""
    say(f"{prompt} [{default}]: ", end="")
    return input().strip() or default


def confirm(question: str, *, option: str) -> None:
    """Return if the operator types yes, else raise CommandError. `option` names the option that says yes."""
    if not has_terminal():
        raise CommandError(f"cannot ask without a terminal; use {option}")
    if ask(f"{question} Type yes to continue", "no") != "yes":
        raise CommandError("nothing was done")


def ask_twice(prompt: str) -> str:
    """Ask at the terminal, without echo, until two answers are the same. Raises EOFError."""
    from getpass import getpass

    while True:
        first = getpass(f"{prompt}: ")
        if first == getpass(f"{prompt} again: "):
            return first
        say("The two entries differ. Try again.")
