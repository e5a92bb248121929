"""What the pages of one organization have in common."""

from functools import cached_property
from typing import Any, ClassVar, Literal, NamedTuple

from django import forms
from django.core.paginator import Page
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from access.backoffice.paginator import CappedPaginator
from accounts.models import Membership, Organization, OrganizationQuerySet, User
from accounts.users import authority
from config import profiles
from config.profiles import Capability, Power
from config.wire.errors import NotFound
from console.base import ConsolePage

SHOWN = 50  # rows on a page
LONGEST_SEARCH = 100
UNKNOWN = _("This product no longer has this role, so it allows nothing")


class RoleInWords(NamedTuple):
    """A role in an organization, and what the profile says of it."""

    name: str
    description: str | Promise


class Search(forms.Form):
    """The text that a list is searched for."""

    search = forms.CharField(
        required=False,
        max_length=LONGEST_SEARCH,
        label=_("Name"),
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )

    @property
    def text(self) -> str:
        """What to search for, or "". The form must be valid."""
        found: str = self.cleaned_data["search"]
        return found


class OrganizationPage(ConsolePage):
    """A page of the organization in the path, for callers who may see it, or `for_managers` only."""

    section = "organizations"
    for_managers: ClassVar[bool] = True
    tab: ClassVar[Literal["members", "invitations", "provider", "webhooks", "settings"]] = "members"

    @cached_property
    def organization(self) -> Any:
        """The organization, with the person's `own_role` in it. Raises NotFound or NotAllowed."""
        visible = with_own_role(Organization.objects.visible_to(self.caller.principal), self.person)
        found = visible.filter(uuid=self.kwargs["organization"]).first()
        if found is None:
            raise NotFound("This organization does not exist, or you may not see it.")
        if self.for_managers:
            authority.check_may_manage_organization(self.caller, found)
        return found

    @property
    def may_manage(self) -> bool:
        """Whether the person may manage the organization."""
        return self.caller.principal.may(Capability.MANAGE_ORGANIZATIONS, self.organization.pk)

    def page(self, template: str, **context: Any) -> HttpResponse:
        about = {
            "organization": self.organization,
            "may_manage": self.may_manage,
            "sees_webhooks": self.caller.principal.may(Capability.READ_AUDIT, self.organization.pk),
            "tab": self.tab,
        }
        return super().page(template, **about, **context)

    def may_give(self, role: str) -> bool:
        """Whether the person may give this role here, and change those who have it: it is not above them."""
        return self.may_manage and power_of(role) <= self.caller.principal.power_in(self.organization.pk)

    def roles_to_give(self) -> list[tuple[str, str]]:
        """Return the roles that the person may give here, as the choices of a form."""
        roles = profiles.active().roles
        known = profiles.active().roles_of_level("organization")
        return [(name, f"{name}: {roles[name].description}") for name in known if self.may_give(name)]


class RoleForm(forms.Form):
    """Asks for a role in an organization."""

    role = forms.ChoiceField(label=_("Role"), widget=forms.RadioSelect)

    def offer(self, roles: list[tuple[str, str]]) -> None:
        """Offer these roles."""
        field: Any = self.fields["role"]
        field.choices = roles


def with_own_role(rows: OrganizationQuerySet, person: User) -> QuerySet[Organization]:
    """Add the person's role in each organization as `own_role`; None where they are not a member."""
    own = Membership.objects.filter(organization=OuterRef("pk"), user=person)
    return rows.annotate(own_role=Subquery(own.values("role")))


def in_words(role: str) -> RoleInWords:
    """Return the role with what the profile says of it."""
    known = profiles.active().roles_of_level("organization")
    return RoleInWords(role, profiles.active().roles[role].description if role in known else UNKNOWN)


def page_of(rows: QuerySet[Any], request: HttpRequest) -> Page[Any]:
    """Return the page of the rows that the request asks for."""
    return CappedPaginator(rows, SHOWN).get_page(request.GET.get("page"))


def power_of(role: str) -> Power:
    """Return what a role in organizations allows there."""
    return profiles.active().power_of_role(role, "organization")
