import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core.management.base import CommandError
from django.template.defaultfilters import pluralize
from jwt import PyJWKSet
from jwt.exceptions import PyJWTError

from accounts.signing.checkpoints import own_public_keys
from audit.export.verifying import Export, Findings
from config.commands.base import KeyhouseCommand, Output
from config.env import reason


class Command(KeyhouseCommand):
    help = (
        "Check files of `exportaudit --format jsonl`, or of a sink, against their hashes and checkpoints. "
        "Names what is missing, changed or from another history. Needs no database. Exits with 1 if "
        "something is wrong."
    )
    needs_secrets = False
    examples = (
        "{} audit.jsonl",
        "{} audit.jsonl.1 audit.jsonl --keys jwks.json",
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("file", nargs="+", help="a file, or - for standard input")
        parser.add_argument(
            "--keys",
            metavar="FILE",
            help="the public keys as a JWK set, as Keyhouse publishes them; default: this installation's",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if self.faults:
            raise CommandError(self.faults[0])

    def run(self, options: dict[str, Any]) -> Output:
        found = _checked(options["file"], _keys(options["keys"]))
        self.faults = found.faults
        return Output({"valid": not found.faults, **found._asdict()}, "\n".join(_said(found)))


def _checked(names: list[str], keys: Mapping[str, Any]) -> Findings:
    export = Export(keys)
    for name in names:
        try:
            if name == "-":
                export.read(sys.stdin.buffer, "standard input")
            else:
                with Path(name).open("rb") as file:
                    export.read(file, name)
        except OSError as error:
            raise CommandError(f"cannot read {name}: {reason(error)}") from None
    return export.findings()


def _keys(name: str | None) -> Mapping[str, Any]:
    """Return the Ed25519 keys of a JWK set, by kid, or this installation's. Raises CommandError."""
    if name is None:
        return own_public_keys()
    try:
        keys = PyJWKSet.from_dict(json.loads(Path(name).read_bytes())).keys
    except OSError as error:
        raise CommandError(f"cannot read {name}: {reason(error)}") from None
    except (ValueError, TypeError, AttributeError, PyJWTError):
        raise CommandError(f"{name} is not a JWK set") from None
    return {key.key_id: key.key for key in keys if key.key_id and isinstance(key.key, Ed25519PublicKey)}


def _said(found: Findings) -> list[str]:
    count, faults = found.events, len(found.faults)
    head = f"{count} event{pluralize(count)}" + (f", {found.first} to {found.last}" if count else "")
    signed = (
        f"Signed up to event {found.signed_to}." if found.signed_to else "No checkpoint vouches for them."
    )
    if faults:
        return [f"{head}, {faults} fault{pluralize(faults)}. {signed}", *found.faults]
    return [f"{head}, unbroken. {signed}"]
