"""/account/organizations, and the members of one organization."""

from typing import Any, NamedTuple

from django.db.models import OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse

from access.backoffice.paginator import Counted, count_up_to, shown_count
from accounts.models import Membership, Organization, User
from config.profiles import Capability
from console.base import ConsolePage
from console.organizations.base import (
    OrganizationPage,
    RoleInWords,
    Search,
    in_words,
    page_of,
    with_own_role,
)


class Listed(NamedTuple):
    """An organization, the person's role in it, and, for those who may see them, how many members it has."""

    organization: Organization
    role: RoleInWords | None
    members: Counted | None


class Member(NamedTuple):
    """A member of an organization, and whether the person may change their role and remove them."""

    membership: Membership
    role: RoleInWords
    has_second_factor: bool
    may_change: bool


class OrganizationsPage(ConsolePage):
    """The organizations that the person belongs to, and those that they may see, by name."""

    section = "organizations"
    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        principal, form = self.caller.principal, Search(request.GET)
        page = page_of(self._found(form), request)
        visible = principal.reach(Capability.READ_ORGANIZATIONS)
        return self.page(
            "organizations/list.html",
            form=form,
            page=page,
            organizations=[
                _listed(each, visible.everywhere or each.pk in visible.organizations) for each in page
            ],
            search=request.GET.get("search", ""),
            may_create=principal.may(Capability.MANAGE_ORGANIZATIONS),
            status=200 if form.is_valid() else 400,
        )

    def _found(self, form: Search) -> QuerySet[Organization]:
        own = Membership.objects.filter(user=self.person)
        rows = Organization.objects.visible_to(self.caller.principal) | Organization.objects.filter(
            pk__in=own.values("organization")
        )
        if not form.is_valid():
            return rows.none()
        members = Membership.objects.filter(organization=OuterRef("pk"))
        found = with_own_role(rows.matching(form.text), self.person)
        return found.annotate(counted=count_up_to(members)).order_by("name_key")


def _listed(organization: Any, is_visible: bool) -> Listed:
    role = organization.own_role
    counted = shown_count(organization.counted) if is_visible else None
    return Listed(organization, in_words(role) if role is not None else None, counted)


class MembersPage(OrganizationPage):
    """The members of an organization, the latest to join first."""

    for_managers = False
    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest, **_: Any) -> HttpResponse:
        form, reach = Search(request.GET), self.caller.principal.reach(Capability.READ_USERS)
        page = page_of(self._found(form), request)
        return self.page(
            "organizations/members.html",
            form=form,
            page=page,
            members=[self._member(each) for each in page],
            own_role=in_words(self.organization.own_role) if self.organization.own_role else None,
            search=request.GET.get("search", ""),
            sees_people=reach.everywhere or self.organization.pk in reach.organizations,
            sees_others=reach.everywhere or len(reach.organizations) > 1,
            status=200 if form.is_valid() else 400,
        )

    def _found(self, form: Search) -> QuerySet[Membership]:
        rows = Membership.objects.filter(organization=self.organization)
        if not form.is_valid():
            return rows.none()
        if form.text:
            rows = rows.filter(user__in=User.objects.get_queryset().matching(form.text))
        return rows.select_related("user__second_factor").order_by("-pk")

    def _member(self, membership: Membership) -> Member:
        device = getattr(membership.user, "second_factor", None)
        has_one = device is not None and device.confirmed
        return Member(membership, in_words(membership.role), has_one, self.may_give(membership.role))
