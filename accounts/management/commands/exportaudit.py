import sys
import time
from collections.abc import Iterator
from typing import Any

from django.conf import settings

from accounts.signing.checkpoints import own_public_jwks, signer
from audit.export.jsonl import line_of
from audit.export.lines import FORMS, lines_of
from audit.export.spans import Span, end_of_chain
from audit.position import Position
from config.commands.base import KeyhouseCommand, Output
from config.commands.terminal import Progress, say
from config.wire.errors import Invalid

UNSIGNED = "keyhouse: warning: KEYHOUSE_SIGNING_KEYS has no Ed25519 key, so the export has no checkpoints"


class Command(KeyhouseCommand):
    help = (
        "Print the events of the audit log, oldest first, one JSON object a line, and between them signed "
        "checkpoints. The last line on standard error is `next: CURSOR`, for the next export. "
        "Waits one lease before it begins."
    )
    examples = (
        "{} > audit.jsonl",
        "{} --since 1042.9f86d081… --format ocsf",
        "{} --public-keys > jwks.json",
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--format", choices=sorted(FORMS), default="jsonl", help="default: %(default)s")
        parser.add_argument(
            "--since", metavar="CURSOR", default="", help="begin after this event; default: at the first one"
        )
        parser.add_argument(
            "--until", metavar="CURSOR", help="end with this event; default: with the newest one"
        )
        parser.add_argument(
            "--public-keys", action="store_true", help="print the keys that verify checkpoints, as a JWK set"
        )
        parser.add_argument("--limit", metavar="N", type=int, help="print at most N events")

    def run(self, options: dict[str, Any]) -> Output:
        if options["public_keys"]:
            document = {"keys": own_public_jwks()}
            return Output(document, line_of(document))
        span, sign = _span(options), signer()
        if sign is None:
            say(UNSIGNED)
        time.sleep(settings.EPOCH_LEASE_SECONDS)  # until no process trusts what it knew before these events
        lines = lines_of(span, FORMS[options["format"]], sign)
        found = self._followed(span.since, ((line.position, line.members) for line in lines))
        return Output(found, map(line_of, found))

    def _followed(
        self, position: Position, lines: Iterator[tuple[Position, dict[str, Any]]]
    ) -> Iterator[dict[str, Any]]:
        """Yield the lines, tell how far they are, and say at the end where the next export goes on."""
        tell = Progress(quiet=not sys.stderr.isatty())
        for position, members in lines:
            yield members
            tell("events up to", position.sequence)
        say(f"next: {position.text}")


def _span(options: dict[str, Any]) -> Span:
    since = _position("since", options["since"])
    until = end_of_chain() if options["until"] is None else _position("until", options["until"])
    if options["limit"] is not None and options["limit"] < 1:
        raise Invalid("limit", "must be 1 or more")
    return Span(since, until, options["limit"])


def _position(member: str, text: str) -> Position:
    """Read a cursor of this history. Raises Invalid."""
    try:
        position = Position.read(text)
    except ValueError:
        raise Invalid(member, "must be a cursor, as an export prints it: NUMBER.HASH") from None
    if not position.is_known():
        raise Invalid(
            member,
            "the audit log has no event at this cursor; the database was restored from a backup, or is "
            "another one",
        )
    return position
