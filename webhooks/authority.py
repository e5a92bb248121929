"""Who may set up a webhook, and whether it may still send what it was set up for."""

from django.db.models import Q, QuerySet

from access.freshness import check_fresh
from access.principals import Caller, Credential, Principal
from accounts.models import Membership, Organization, User
from accounts.users.authority import check_is_person
from accounts.users.principals import principal_of
from config import profiles
from config.profiles import Capability
from webhooks.models import Webhook

NEEDED = (Capability.READ_AUDIT, Capability.MANAGE_KEYS)
NO_LOGIN = Credential("command", "")


def check_may_manage(caller: Caller, organization_id: int | None) -> None:
    """Raise NotAllowed unless the caller may set up webhooks of the organization, or, for None, of all.

    That takes the power to read these events and to manage keys. Programs may not: a webhook would go on
    after their credential has ended. Raises FreshProofRequired for a login that is too old.
    """
    caller.principal.require(
        lambda who: may_manage(who, organization_id), "You may not manage webhooks here."
    )
    check_is_person(caller, "Programs cannot set up webhooks; log in to do it.")
    check_fresh(caller)


def may_manage(principal: Principal, organization_id: int | None) -> bool:
    """Whether the caller may manage the webhooks of the organization, or, for None, those for all events."""
    return all(principal.may(capability, organization_id) for capability in NEEDED)


def organizations_of(principal: Principal) -> "QuerySet[Organization]":
    """Return the organizations whose webhooks the caller may manage."""
    rows: QuerySet[Organization] = Organization.objects.all()
    for reach in map(principal.reach, NEEDED):
        rows = rows if reach.everywhere else rows.filter(pk__in=reach.organizations)
    return rows


def may_still_read(webhook: Webhook) -> bool:
    """Whether the person who set the webhook up is active and may read its events now. Makes one query."""
    person = webhook.subscriber
    if person is None:
        return webhook.is_operators
    now = principal_of(person, NO_LOGIN)
    return person.is_active and now.may(Capability.READ_AUDIT, webhook.organization_id)


def managers_of(webhook: Webhook) -> "QuerySet[User]":
    """Return the active people who may manage it: members of its organization, else administrators."""
    everywhere, inside = (_roles(level) for level in ("global", "organization"))
    people = User.objects.filter(is_active=True).order_by("pk")
    if webhook.organization_id is None:
        return people.filter(Q(role__in=everywhere) | Q(is_superuser=True))
    members = Membership.objects.filter(organization=webhook.organization_id)
    return people.filter(pk__in=members.filter(role__in=inside).values("user"))


def _roles(level: str) -> set[str]:
    """Return the roles of this level that let their holders manage webhooks."""
    profile = profiles.active()
    return set.intersection(*(set(profile.roles_with(capability, level)) for capability in NEEDED))
