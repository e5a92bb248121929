from typing import Any

from access.callers import caller_at_command_line
from config.commands.base import Output
from provisioning.management.arguments import ProvisioningCommand, output, planned, wanted_in


class Command(ProvisioningCommand):
    help = (
        "Show what apply would change so that organizations, members, keys, OAuth2 clients and webhooks are "
        "as the file describes. Changes nothing. Exits with 0 if nothing differs, with 2 if something "
        "differs, and with 1 after an error."
    )
    examples = ("{} keyhouse.yaml", "{} keyhouse.yaml --prune --json")

    def run(self, options: dict[str, Any]) -> Output:
        found = planned(wanted_in(options), options, caller_at_command_line().origin.at)
        self.has_drift = any(plan.is_drift for plan in found)
        return output(found, has_drift=self.has_drift)
