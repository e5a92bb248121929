"""What plan and apply have in common: their arguments, and how they end."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from config.commands.base import KeyhouseCommand, Output
from config.commands.terminal import Progress, say
from config.logs import escape
from provisioning import showing
from provisioning.desired import Desired, read_file
from provisioning.members import Broken
from provisioning.planning import Options, Plan, plans
from provisioning.refusals import Refused

DRIFT = 2  # exit code


class ProvisioningCommand(KeyhouseCommand):
    """A command about a file. It ends with 1 for every error: 2 means that something differs."""

    usage_exit_code = 1

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="YAML file that describes what should exist")
        parser.add_argument(
            "--prune", action="store_true", help="delete what the sections of the file do not name"
        )
        parser.add_argument(
            "--replace", action="store_true", help="end what cannot be changed, and make it again"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.has_drift = False
        try:
            super().handle(*args, **options)
        except Broken as broken:
            *others, last = broken.faults
            for fault in others:
                say(escape(fault))
            raise CommandError(escape(last)) from None
        except Refused as refused:
            raise CommandError(escape(in_words(refused, options["file"]))) from None
        if self.has_drift:
            raise SystemExit(DRIFT)


def in_words(refused: Refused, file: str) -> str:
    """Return a refusal with its place in the file."""
    place = f"{file}:{refused.line}" if refused.line else file
    return f"{place}: {refused.name}: {refused.reason}"


def wanted_in(options: dict[str, Any]) -> Desired:
    """Return what the file wants. Raises Broken."""
    return read_file(options["file"])


def allowed_by(options: dict[str, Any]) -> Options:
    """Return what the options allow."""
    return Options(prune=options["prune"], replace=options["replace"])


def planned(desired: Desired, options: dict[str, Any], now: Any) -> list[Plan]:
    """Return the plan of each organization, and tell the operator how far it is. Raises Refused."""
    progress, found = Progress(quiet=options["json"]), []
    for plan in plans(desired, allowed_by(options), now):
        found.append(plan)
        progress("organizations read", len(found))
    return found


def output(found: list[Plan], *, has_drift: bool) -> Output:
    """Return what plan prints."""
    changed = [plan for plan in found if plan.changes]
    document = {"drift": has_drift, "plans": [showing.document(plan) for plan in changed]}
    return Output(document, [*showing.lines(changed), showing.summary(changed, is_done=False)])
