from typing import Any

from access.callers import caller_at_command_line
from config.commands.base import Output
from provisioning.management.arguments import ProvisioningCommand, output, planned, wanted_in


class Command(ProvisioningCommand):
    help = (
        "Show what apply would change so that organizations, members, keys, OAuth2 clients and webhooks are "
        "as the file says. Changes nothing. Exits with 0 if there is nothing to change, with 2 if there is, "
        "and with 1 for an error."
    )
    examples = ("{} keyhouse.yaml", "{} keyhouse.yaml --prune --json")

    def run(self, options: dict[str, Any]) -> Output:
        found = planned(wanted_in(options), options, caller_at_command_line().origin.at)
        self.has_drift = any(plan.is_drift for plan in found)
        return output(found, has_drift=self.has_drift)
