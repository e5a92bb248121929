"""What every command of ours has in common: --json, and failures in one line."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.errors import DomainError


class KeyhouseCommand(BaseCommand):
    """A command that calls one service. Subclasses write `run`, which returns what to print.

    `run` returns (document, text): the document is printed with --json, the text without.
    """

    requires_system_checks = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.error = lambda message: _fail(parser, message)  # type: ignore[method-assign]
        parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
        return parser

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            document, text = self.run(options)
        except DomainError as error:
            raise CommandError(error.detail) from None
        self.stdout.write(json.dumps(document, ensure_ascii=False) if options["json"] else text)

    def run(self, options: dict[str, Any]) -> tuple[Any, str]:
        """Do the work and return (document, text)."""
        raise NotImplementedError


def _fail(parser: ArgumentParser, message: str) -> NoReturn:
    """One line instead of argparse's many."""
    parser.exit(2, f"{parser.prog}: {' '.join(message.split())} (see --help)\n")


def read_secret(prompt: str, *, from_stdin: bool) -> str:
    """Return a secret from standard input's first line, or typed twice at a terminal; never from argv."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise CommandError("there is no terminal to ask for the password; use --password-stdin")
    return ask_twice(prompt)


def ask_twice(prompt: str) -> str:
    """Ask at the terminal, without echo, until two answers are the same."""
    from getpass import getpass

    while True:
        first = getpass(f"{prompt}: ")
        if first == getpass(f"{prompt} again: "):
            return first
        print("These are not the same; once more.")


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return rows as aligned columns under their heads."""
    cells = [list(heads), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(heads))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells)
    return "\n".join(line.rstrip() for line in lines)
