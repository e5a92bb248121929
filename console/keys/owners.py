"""Whose keys a person sees in the console, and for whom they make keys."""

from django.utils.translation import gettext as _

from access.principals import Principal, Reach
from accounts.models import Organization, User
from config.profiles import Capability
from config.wire.errors import NotFound

ME = "me"
MOST_ORGANIZATIONS = 100  # in one list; people who manage more use the admin

Choices = dict[str, str]


def owners_shown(principal: Principal) -> Choices:
    """Return the person and the organizations whose keys they see, by `me` and the organization's uuid."""
    return {ME: _("Me"), **_organizations(principal.reach(Capability.READ_KEYS))}


def owners_to_make_for(principal: Principal) -> Choices:
    """Return the owners for whom the person may make keys. Raises NotAllowed if there are none."""
    principal.require(may_make_keys, "You may not create API keys.")
    is_own = principal.may_somewhere(Capability.MANAGE_OWN_KEYS) or principal.may(Capability.MANAGE_KEYS)
    me = {ME: _("Me")} if is_own else {}
    return {**me, **_organizations(principal.reach(Capability.MANAGE_KEYS))}


def may_make_keys(principal: Principal) -> bool:
    """Whether the person may make keys for anybody."""
    makes = (Capability.MANAGE_OWN_KEYS, Capability.MANAGE_KEYS)
    return any(principal.may_somewhere(each) for each in makes)


def owner_named(choice: str, person: User) -> User | Organization:
    """Return the owner that one of the choices names. Raises NotFound if it has been deleted."""
    if choice == ME:
        return person
    found = Organization.objects.filter(uuid=choice).first()
    if found is None:
        raise NotFound("This organization does not exist.")
    return found


def _organizations(reach: Reach) -> Choices:
    rows = Organization.objects.order_by("name_key")
    within = rows if reach.everywhere else rows.filter(pk__in=reach.organizations)
    return {str(uuid): name for uuid, name in within.values_list("uuid", "name")[:MOST_ORGANIZATIONS]}
