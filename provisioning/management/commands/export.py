from typing import Any

import yaml

from access.callers import caller_at_command_line
from accounts.users.lookups import organization_named
from config.commands.base import KeyhouseCommand, Output
from provisioning.exporting import export
from provisioning.organizations import with_quotas


class Command(KeyhouseCommand):
    help = (
        "Print organizations, members, keys, OAuth2 clients and webhooks as they are now, as YAML for plan "
        "and apply. Without --organization, prints all. Prints no secrets except those in URLs of webhooks."
    )
    examples = ("{} > keyhouse.yaml", "{} --organization Acme")

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "--organization", action="append", metavar="NAME", help="only this one; repeatable"
        )

    def run(self, options: dict[str, Any]) -> Output:
        names = options["organization"]
        rows = (
            list(with_quotas().order_by("name_key"))
            if names is None
            else [organization_named(name) for name in dict.fromkeys(names)]
        )
        document = export(rows, caller_at_command_line().origin.at, outside=names is None)
        return Output(document, yaml.safe_dump(document, sort_keys=False, allow_unicode=True).rstrip())
