"""The base of all Keyhouse commands: --json, examples, and failures in one line."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, NoReturn

from django.core.checks import CheckMessage
from django.core.management.base import BaseCommand, CommandError, CommandParser, DjangoHelpFormatter

from config import profiles
from config.commands import tables
from config.logs import escape
from config.program import VERSION
from config.wire.errors import DomainError

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
    usage_exit_code = 2

    def get_version(self) -> str:
        return VERSION

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs.setdefault("formatter_class", HelpFormatter)
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        if self.examples:
            shown = (f"  {example.format(parser.prog)}" for example in self.examples)
            parser.epilog = "\n".join(["examples:", *shown])
        parser.error = lambda message: _fail(parser, message, self.usage_exit_code)  # type: ignore[method-assign]
        parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
        return parser


class Output(NamedTuple):
    """What a command prints: `document` with --json, else `text`. Both may be iterators of their parts."""

    document: Any
    text: str | Iterable[str | tables.Line | tables.Table]


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

    def _write_text(self, parts: Iterable[str | tables.Line | tables.Table]) -> None:
        for part in parts:
            if isinstance(part, str):
                self.stdout.write(part)
            elif isinstance(part, tables.Line):
                tables.write_line(part, self.stdout)
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
    """Return documents one by one, as a table of the members `heads`, or else the text `empty`."""
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


def _fail(parser: CommandParser, message: str, exit_code: int) -> NoReturn:
    """Exit with one line, where argparse would print several."""
    reason = escape(" ".join(message.split()))
    if not parser.called_from_command_line:
        raise CommandError(reason)
    parser.exit(exit_code, f"{parser.prog}: {reason} (see --help)\n")
