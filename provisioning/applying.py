"""Applies plans: each organization in a transaction of its own, in which its plan is made anew."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from django.db import transaction

from access.principals import Caller
from accounts.models import User
from audit.actors import Origin
from config.waiting import deferring
from config.wire.errors import DomainError
from provisioning import organizations
from provisioning.changes import Action
from provisioning.desired import Desired
from provisioning.kinds.base import Secret, Work
from provisioning.lock import take_turns
from provisioning.places import Place
from provisioning.planning import OUTSIDE, Options, Plan, plan_again
from provisioning.refusals import Refused


class Manner(NamedTuple):
    """How to apply a file: by whom, what is allowed, where secrets go, and who invites people."""

    caller: Caller
    options: Options
    place: Place
    inviter: User | None


class Applied(NamedTuple):
    """A plan that was applied, and where the secrets of its changes are, in their order."""

    plan: Plan
    secrets: list[Secret]
    places: list[str]


def check_possible(planned: Sequence[Plan], manner: Manner) -> None:
    """Raise Refused, or Invalid, if the plans need an option that was not given."""
    for plan in planned:
        if plan.replaced and not manner.options.replace:
            step = plan.replaced
            fixed = ", ".join(
                each.member for each in step.change.differences if each.member in step.kind.fixed
            )
            raise Refused(
                step.wanted,
                f"{fixed} never changes; --replace ends this {step.kind.name} and makes a new one",
            )
        if plan.invited and manner.inviter is None:
            raise Refused(plan.invited.wanted, "is not a member yet; --inviter USER says who invites people")
    if any(plan.secrets for plan in planned):
        manner.place.check()


def apply(
    *, desired: Desired, planned: Sequence[Plan], manner: Manner, done: Callable[[Applied], None]
) -> None:
    """Make the changes of the plans that have some, and tell `done` of each organization after its commit.

    What other appliers changed meanwhile is looked at again. Raises Refused, and changes nothing in that
    organization then, nor in those after it. Secrets are stored before the commit: if the process ends
    between the two, a file has a secret that was never valid, and the next apply overwrites it.
    """
    check_possible(planned, manner)
    with deferring() as deferral:
        try:
            for plan in planned:
                if plan.is_drift:
                    done(_apply(desired, plan, manner))
        finally:
            time.sleep(max(0.0, deferral.seconds_left()))  # one lease for all that was committed


def _apply(desired: Desired, plan: Plan, manner: Manner) -> Applied:
    manner = manner._replace(caller=replace(manner.caller, origin=Origin.here()))
    try:
        with transaction.atomic():
            take_turns()
            again = plan_again(plan, desired, manner.options, manner.caller.origin.at)
            check_possible([again], manner)
            secrets = _make(again, manner)
            return Applied(again, secrets, manner.place.keep(secrets) if secrets else [])
    except DomainError as error:
        raise Refused(plan.wanted or OUTSIDE, error.detail) from None


def _make(plan: Plan, manner: Manner) -> list[Secret]:
    """Make all changes of a plan. Raises Refused, and DomainError."""
    caller, row = manner.caller, plan.row
    if plan.wanted is not None and not plan.wanted.absent:
        members = [each.member for each in plan.own.differences] if plan.own else []
        row = organizations.settle(caller, plan.wanted, row, members)
    work = Work(caller, row, manner.inviter)
    secrets = []
    for step in plan.steps:
        try:
            secrets.append(step.run(work))
        except DomainError as error:
            raise Refused(step.wanted or plan.wanted or OUTSIDE, error.detail) from None
    if row is not None and plan.own is not None and plan.own.action is Action.DELETE:
        organizations.delete(caller, row)
    return [each for each in secrets if each is not None]
