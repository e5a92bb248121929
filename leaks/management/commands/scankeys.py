import os
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandError
from django.template.defaultfilters import pluralize

from config.commands.base import KeyhouseCommand, Output, listing
from config.logs import escape, mask
from leaks.scanning.findings import scan
from leaks.scanning.sources import Unreadable

UNREADABLE = 2  # exit code


class Command(KeyhouseCommand):
    help = (
        "Find API keys of the active profile in files, git history and standard input, by format and "
        "checksum. Needs no database. Shows where each key is, and only its beginning. Exits with 1 if it "
        "finds a key, and with 2 if it finds none but could not read everything."
    )
    needs_secrets = False
    examples = (
        "{} src deploy.env",
        "{} --history .",
        "git diff --cached | {} -",
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("path", nargs="+", help="a file, a folder, or - for standard input")
        parser.add_argument(
            "--history",
            action="store_true",
            help="also search the git history of each folder: all versions of all files, and all messages",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.found = self.unread = 0
        super().handle(*args, **options)
        if self.found:
            raise CommandError(f"found {self.found} API key{pluralize(self.found)}")
        if self.unread:
            raise CommandError("found no API key, but could not read everything", returncode=UNREADABLE)

    def run(self, options: dict[str, Any]) -> Output:
        heads = ("key_prefix", "environment", "path", "line", "column", "object")
        return listing(heads, self._documents(options), empty="No API keys found.")

    def _documents(self, options: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for finding in scan(options["path"], self._report, with_history=options["history"]):
            self.found += 1
            yield {**finding._asdict(), "path": _shown(finding.path)}

    def _report(self, unreadable: Unreadable) -> None:
        self.unread += 1
        self.stderr.write(f"cannot read {_shown(unreadable.name)}: {escape(unreadable.reason)}")


def _shown(path: str) -> str:
    """Return a path as it may be printed: names may hold keys, control characters, and bytes of any kind."""
    return mask(escape(os.fsencode(path).decode(errors="backslashreplace")))
