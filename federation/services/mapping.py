"""Use cases of the rules that say which role a provider's claims give in its organization."""

from collections.abc import Iterable

from django.db import IntegrityError, transaction

from access.principals import Caller, Credential
from accounts.models import Organization, User
from accounts.users import authority
from accounts.users.lookups import lock
from accounts.users.principals import principal_of
from audit.actors import Origin, Target
from audit.events import EventName
from audit.log import record
from config.wire.errors import Conflict, DomainError, Invalid, NotFound, Sentence
from federation.models import Provider, RoleRule
from federation.services.providers import check_may_set_up

LONGEST_VALUE = 200
MOST_RULES = 50
EVERYBODY_LAST = 1_000_000  # the position of the rule for everybody


def add_rule(*, caller: Caller, provider: Provider, value: str, role: str) -> RoleRule:
    """Let people with `value` in the claim have `role`, after the rules before it; "" is everybody.

    Raises NotAllowed, also for a role that allows more than the caller may do, FreshProofRequired, Invalid,
    Conflict or NotFound.
    """
    organization = provider.organization
    check_may_set_up(caller, organization)
    authority.clean_organization_role(caller, organization, role)
    value = value.strip()
    if len(value) > LONGEST_VALUE or not value.isprintable():
        raise Invalid("value", Sentence("must have at most %(most)d characters", most=LONGEST_VALUE))
    with transaction.atomic():
        lock(organization)
        held = lock(provider)
        if value and not held.role_claim:
            raise Invalid("value", "needs a claim: say in the settings which claim holds the roles")
        number = held.rules.count()
        if number >= MOST_RULES:
            raise Conflict(
                "value", Sentence("is one too many; a provider may have %(most)d rules", most=MOST_RULES)
            )
        last = held.rules.filter(position__lt=EVERYBODY_LAST).order_by("position").last()
        rule = RoleRule(
            provider=held,
            value=value,
            role=role,
            position=(last.position + 1 if last else 1) if value else EVERYBODY_LAST,
            written_by_id=caller.principal.user_id,
        )
        try:
            with transaction.atomic():
                rule.save(force_insert=True)
        except IntegrityError:
            raise Conflict("value", "has a rule already; remove that rule first") from None
        _record(caller, organization, {"value": value, "to": role})
    return rule


def remove_rule(*, caller: Caller, rule: RoleRule) -> None:
    """Remove a rule. Members whom it gave a role lose it at their next login.

    Raises NotAllowed, also for a rule whose role allows more than the caller may do, FreshProofRequired or
    NotFound.
    """
    organization = rule.provider.organization
    check_may_set_up(caller, organization)
    authority.check_not_above_in(caller, organization, rule, rule.role)
    with transaction.atomic():
        lock(organization)
        if not RoleRule.objects.filter(pk=rule.pk).delete()[0]:
            raise NotFound("This rule was removed.")
        _record(caller, organization, {"value": rule.value, "from": rule.role})


def matching(provider: Provider, values: frozenset[str]) -> list[RoleRule]:
    """Return the rules for a person with these values, in order."""
    rules = provider.rules.select_related("written_by")
    return [rule for rule in rules if rule.value in values or not rule.value]


def role_given(
    organization: Organization, rules: Iterable[RoleRule], writers: dict[int, User], origin: Origin
) -> str:
    """Return the role of the first rule whose writer may give it now, or "". `writers` are locked people."""
    for rule in rules:
        writer = writers.get(rule.written_by_id or 0)
        if writer is not None and writer.is_active and _may_give(writer, organization, rule.role, origin):
            return rule.role
    return ""


def _may_give(writer: User, organization: Organization, role: str, origin: Origin) -> bool:
    caller = Caller(principal_of(writer, Credential("jwt", "")), origin)
    try:
        authority.check_may_manage_organization(caller, organization)
        authority.clean_organization_role(caller, organization, role)
    except DomainError:  # they lost the power, or the profile the role
        return False
    return True


def _record(caller: Caller, organization: Organization, detail: dict[str, str]) -> None:
    target = Target.of("organization", organization, organization_id=organization.pk)
    actor, origin = caller.principal.actor, caller.origin
    record(EventName.MAPPING_CHANGED, actor=actor, origin=origin, target=target, detail=detail)
