"""What every command of ours has in common: --json, and failures in one line."""

import json
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, NoReturn

from django.core.checks import CheckMessage
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config import profiles
from config.logs import escape
from config.wire.errors import DomainError

_surroundings: list[Callable[[], None]] = []  # what an app looks at before and after a command's work


def check_surroundings_with(check: Callable[[], None]) -> None:
    """Let an app look, before and after the work of each command, whether work may be done here.

    `check` raises ConfigurationError if not.
    """
    _surroundings.append(check)


class JsonCommand(BaseCommand):
    """A command with --json, which says what is wrong with its arguments in one line."""

    requires_system_checks = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.error = lambda message: _fail(parser, message)  # type: ignore[method-assign]
        parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
        return parser


class Output(NamedTuple):
    """What a command prints: the document with --json, the text without."""

    document: Any
    text: str


class KeyhouseCommand(JsonCommand, ABC):
    """A command that calls one service. Subclasses write `run`, which returns what to print.

    `run` returns (document, text): the document is printed with --json, the text without.
    """

    needs_secrets = True  # those that the database was used with

    def handle(self, *args: Any, **options: Any) -> None:
        profiles.active()  # an installation that cannot be served is not worked on either
        self._check_surroundings()
        try:
            document, text = self.run(options)
        except DomainError as error:
            raise CommandError(escape(error.detail)) from None
        self.stdout.write(json.dumps(document, ensure_ascii=False) if options["json"] else text)
        self._check_surroundings()

    def _check_surroundings(self) -> None:
        for check in _surroundings if self.needs_secrets else ():
            check()

    @abstractmethod
    def run(self, options: dict[str, Any]) -> Output:
        """Do the work and return (document, text)."""


def stop_at(faults: Iterable[CheckMessage]) -> None:
    """Raise CommandError for the first of these faults, if there is one."""
    for fault in faults:
        raise CommandError(f"({fault.id}) {fault.msg} {fault.hint}")


def _fail(parser: CommandParser, message: str) -> NoReturn:
    """One line instead of argparse's many."""
    reason = escape(" ".join(message.split()))
    if not parser.called_from_command_line:
        raise CommandError(reason)
    parser.exit(2, f"{parser.prog}: {reason} (see --help)\n")


# Standard input, and whoever types it.


def has_terminal() -> bool:
    """Whether somebody sits there who can be asked."""
    return sys.stdin is not None and sys.stdin.isatty()


def read_line() -> str:
    """Return the first line of standard input. Raises CommandError if that is not text."""
    return _decoded(_standard_input().readline()).rstrip("\r\n")


def read_lines() -> list[str]:
    """Return the lines of standard input. Raises CommandError if that is not text."""
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
    """Return a secret from standard input's first line, or typed twice at a terminal; never from argv."""
    if from_stdin:
        return read_line()
    if not has_terminal():
        raise CommandError("there is no terminal to ask for the password; use --password-stdin")
    return ask_twice(prompt)


def say(text: str, end: str = "\n") -> None:
    """Show whoever sits at the terminal something: on stderr, since standard output is for the answer."""
    sys.stderr.write(f"{text}{end}")
    sys.stderr.flush()


def ask(prompt: str, default: str) -> str:
    """Ask at the terminal; return the answer, `default` if that is empty. Raises EOFError."""
    say(f"{prompt} [{default}]: ", end="")
    return input().strip() or default


def confirm(question: str, *, option: str) -> None:
    """Go on if whoever sits at the terminal types yes; `option` says so without one. Raises CommandError."""
    if not has_terminal():
        raise CommandError(f"there is no terminal to ask; use {option}")
    if ask(f"{question} Type yes to go on", "no") != "yes":
        raise CommandError("nothing was done")


def ask_twice(prompt: str) -> str:
    """Ask at the terminal, without echo, until two answers are the same. Raises EOFError."""
    from getpass import getpass

    while True:
        first = getpass(f"{prompt}: ")
        if first == getpass(f"{prompt} again: "):
            return first
        say("These are not the same; once more.")


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return rows as aligned columns under their heads."""
    cells = [list(heads), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(heads))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells)
    return "\n".join(line.rstrip() for line in lines)
