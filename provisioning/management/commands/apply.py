from typing import Any

from django.core.management.base import CommandError, CommandParser

from access.callers import caller_at_command_line
from accounts.users.lookups import user_named
from config.commands.base import Output
from config.commands.tables import Line
from config.logs import escape
from provisioning import showing
from provisioning.applying import Applied, Manner, apply
from provisioning.desired import Desired
from provisioning.management.arguments import (
    ProvisioningCommand,
    allowed_by,
    in_words,
    output,
    planned,
    wanted_in,
)
from provisioning.manifests import Manifest
from provisioning.places import Collected, Folder, Nowhere, Place, Printed
from provisioning.planning import Plan
from provisioning.refusals import Refused


class Command(ProvisioningCommand):
    help = (
        "Change organizations, members, keys, OAuth2 clients and webhooks until they are as the file "
        "describes. Each organization is one transaction. Invites new members, and creates no accounts. "
        "Deletes only with --prune. Writes new secrets before the commit, to the place that an option names."
    )
    examples = (
        "{} keyhouse.yaml --secrets-dir secrets --inviter ada",
        "{} keyhouse.yaml --kubernetes-secret secrets.yaml --prune",
        "{} keyhouse.yaml --dry-run",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        place = parser.add_mutually_exclusive_group()
        place.add_argument("--secrets-dir", metavar="DIR", help="write each new secret to a file there")
        place.add_argument(
            "--kubernetes-secret", metavar="FILE", help="write new secrets to a manifest for kubectl apply"
        )
        place.add_argument("--print-secrets", action="store_true", help="print new secrets")
        parser.add_argument("--inviter", metavar="USER", help="the person in whose name people are invited")
        parser.add_argument(
            "--dry-run", action="store_true", help="only show what would change, as plan does"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.failure = ""
        super().handle(*args, **options)
        if self.failure:
            raise CommandError(escape(self.failure))

    def run(self, options: dict[str, Any]) -> Output:
        desired, caller = wanted_in(options), caller_at_command_line()
        found = planned(desired, options, caller.origin.at)
        if options["dry_run"]:
            self.has_drift = any(plan.is_drift for plan in found)
            return output(found, has_drift=self.has_drift)
        inviter = user_named(options["inviter"]) if options["inviter"] else None
        manner = Manner(caller, allowed_by(options), self._place(options), inviter)
        return self._apply(desired, found, manner, options)

    def _place(self, options: dict[str, Any]) -> Place:
        if options["secrets_dir"] is not None:
            return Folder(options["secrets_dir"])
        if options["kubernetes_secret"] is not None:
            return Manifest(options["kubernetes_secret"])
        if options["print_secrets"]:
            return Collected() if options["json"] else Printed(self.stdout)
        return Nowhere()

    def _apply(self, desired: Desired, found: list[Plan], manner: Manner, options: dict[str, Any]) -> Output:
        """Apply the plans. A refusal ends it; what was committed before is still in the output."""
        applied: list[Applied] = []

        def done(each: Applied) -> None:
            applied.append(each)
            if not options["json"]:
                self._write_text(list(showing.applied(each)))

        try:
            apply(desired=desired, planned=found, manner=manner, done=done)
        except Refused as refused:
            self.failure = in_words(refused, options["file"])
        document = {"applied": [showing.applied_document(each) for each in applied]}
        if isinstance(manner.place, Collected):
            document["secrets"] = [each._asdict() for each in manner.place.secrets]
        return Output(document, [self._last_line(applied)])

    def _last_line(self, applied: list[Applied]) -> Line:
        if self.failure:
            return Line(f"Stopped after {len(applied)} organizations; what is above was applied.", "bold red")
        return showing.summary((each.plan for each in applied), is_done=True)
