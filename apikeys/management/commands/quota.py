from typing import Any

from access.callers import caller_at_command_line
from access.principals import Caller
from accounts.models import Organization
from accounts.users.lookups import organization_named
from apikeys.management.arguments import PERIODS, WHAT_COUNTS, key_with_id
from apikeys.models import ApiKey
from apikeys.quotas.changes import QuotaChanges
from apikeys.quotas.models import Counts
from apikeys.quotas.periods import day_of
from apikeys.quotas.reading import Budget, quota_of
from apikeys.quotas.services import change_key_quota, change_organization_quota
from config.commands.base import KeyhouseCommand, Output
from config.wire.fields import timestamp


class Command(KeyhouseCommand):
    help = (
        "Show or change the quota of an API key, or the one that all keys of an organization share. A change "
        "does not reset what was used."
    )
    examples = (
        "{} 0916859d-38ef-4fca-91f8-23e176b13986",
        "{} 0916859d-38ef-4fca-91f8-23e176b13986 --day 10000 --counts reports",
        "{} --organization Acme --month 1000000 --no-total",
    )

    def add_arguments(self, parser: Any) -> None:
        holder = parser.add_mutually_exclusive_group(required=True)
        holder.add_argument("id", nargs="?", help="id of the key, as the API and the admin show it")
        holder.add_argument("--organization", help="name of the organization whose keys share the quota")
        for period, words in PERIODS.items():
            budget = parser.add_mutually_exclusive_group()
            budget.add_argument(f"--{period}", type=int, metavar="UNITS", help=f"most units {words}")
            budget.add_argument(f"--no-{period}", action="store_true", help=f"no limit {words}")
        parser.add_argument("--counts", choices=Counts.values, help=WHAT_COUNTS)

    def run(self, options: dict[str, Any]) -> Output:
        caller = caller_at_command_line()
        name = options["organization"]
        holder = key_with_id(options["id"]) if name is None else organization_named(name)
        if changes := _changes(options):
            _change(caller, holder, QuotaChanges(**changes))
        found = quota_of(holder, day_of(caller.origin.at))
        budgets = {period: getattr(found, period) for period in PERIODS}
        left = [f"{each.left} of {each.most} units left {PERIODS[n]}" for n, each in budgets.items() if each]
        document = {"name": holder.name, **{n: _document_of(each) for n, each in budgets.items()}}
        return Output(document | {"counts": found.counts}, f"{holder.name}: {', '.join(left) or 'no quota'}.")


def _changes(options: dict[str, Any]) -> dict[str, Any]:
    """Return the members that the options change."""
    changes: dict[str, Any] = {name: options[name] for name in PERIODS if options[name] is not None}
    changes |= {name: None for name in PERIODS if options[f"no_{name}"]}
    return changes | ({"counts": options["counts"]} if options["counts"] else {})


def _change(caller: Caller, holder: ApiKey | Organization, changes: QuotaChanges) -> None:
    if isinstance(holder, ApiKey):
        change_key_quota(caller=caller, key=holder, changes=changes)
    else:
        change_organization_quota(caller=caller, organization=holder, changes=changes)


def _document_of(budget: Budget | None) -> dict[str, Any] | None:
    if budget is None:
        return None
    return budget._asdict() | {"ends_at": timestamp(budget.ends_at) if budget.ends_at else None}
