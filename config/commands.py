"""What all Keyhouse commands have in common: --json, examples, and failures in one line."""

import json
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, NoReturn

from django.core.checks import CheckMessage
from django.core.management.base import BaseCommand, CommandError, CommandParser, DjangoHelpFormatter

from config import env, profiles, tables
from config.logs import escape
from config.wire.errors import DomainError

PROGRESS_SECONDS = 2.0

_surroundings: list[Callable[[], None]] = []  # checks before and after a command's work


def check_surroundings_with(check: Callable[[], None]) -> None:
    """Register `check`, which runs before and after each command, and raises ConfigurationError."""
    _surroundings.append(check)


class HelpFormatter(DjangoHelpFormatter):
    """Keeps the lines of examples as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if "\n" in text else super()._fill_text(text, width, indent)


class JsonCommand(BaseCommand):
    """A command with --json that reports wrong arguments in one line.

    `examples` are shown by --help and in the documentation; {} stands for the command.
    """

    requires_system_checks = ()
    examples: Sequence[str] = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs.setdefault("formatter_class", HelpFormatter)
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        if self.examples:
            shown = (f"  {example.format(parser.prog)}" for example in self.examples)
            parser.epilog = "\n".join(["examples:", *shown])
        parser.error = lambda message: _fail(parser, message)  # type: ignore[method-assign]
        parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
        return parser


class Output(NamedTuple):
    """What a command prints: `document` with --json, else `text`. A document may be an iterator of items."""

    document: Any
    text: str | Sequence[str | tables.Table]


class KeyhouseCommand(JsonCommand, ABC):
    """A command that calls one service. Subclasses implement `run`, which returns what to print."""

    needs_secrets = True  # whether it must have the secrets that the database was used with

    def handle(self, *args: Any, **options: Any) -> None:
        profiles.active()  # raises ProfileError: commands need a valid profile, too
        self._check_surroundings()
        try:
            document, text = self.run(options)
        except DomainError as error:
            raise CommandError(escape(error.detail)) from None
        if options["json"]:
            self._write_document(document)
        else:
            self._write_text([text] if isinstance(text, str) else text)
        self._check_surroundings()

    def _write_document(self, document: Any) -> None:
        if not isinstance(document, Iterator):
            self.stdout.write(_json(document))
            return
        self.stdout.write("[", ending="")
        for number, item in enumerate(document):
            self.stdout.write(f"{', ' if number else ''}{_json(item)}", ending="")
        self.stdout.write("]")

    def _write_text(self, parts: Sequence[str | tables.Table]) -> None:
        for part in parts:
            if isinstance(part, str):
                self.stdout.write(part)
            else:
                tables.write(part, self.stdout)

    def _check_surroundings(self) -> None:
        for check in _surroundings if self.needs_secrets else ():
            check()

    @abstractmethod
    def run(self, options: dict[str, Any]) -> Output:
        """Do the work, and return what to print."""


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def listing(heads: Sequence[str], documents: Iterator[dict[str, Any]], *, empty: str) -> Output:
    """Return documents one by one, as a table of the members `heads`. `empty` says that there are none."""
    rows = ([_cell(head, document[head]) for head in heads] for document in documents)
    return Output(documents, [tables.Table(heads, rows, empty)])


def _cell(head: str, value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ("never" if head.endswith("_at") else "") if value is None else str(value)


def stop_at(faults: Iterable[CheckMessage]) -> None:
    """Raise CommandError for the first fault, if there is one."""
    for fault in faults:
        raise CommandError(f"({fault.id}) {fault.msg} {fault.hint}")


def _fail(parser: CommandParser, message: str) -> NoReturn:
    """Exit with one line, where argparse would print several."""
    reason = escape(" ".join(message.split()))
    if not parser.called_from_command_line:
        raise CommandError(reason)
    parser.exit(2, f"{parser.prog}: {reason} (see --help)\n")


# Standard input, and the operator at the terminal.


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
    """Name variables that look like Keyhouse's, but are not, on stderr."""
    for fault in env.unknown():
        say(f"keyhouse: warning: {escape(fault)}")


class Progress:
    """Tells the operator every two seconds how far a command is, unless it is `quiet`."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet, self.said_at = quiet, time.monotonic()

    def __call__(self, name: str, number: int) -> None:
        if not self.quiet and time.monotonic() - self.said_at >= PROGRESS_SECONDS:
            self.said_at = time.monotonic()
            say(f"{name}: {number} …")


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
