"""Organizations and their members in the admin. Every change is a service call."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import OuterRef, QuerySet
from django.forms import BaseModelFormSet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from access.backoffice.base import CapabilityAdmin, may
from access.backoffice.forms import NUMBER, RowField
from access.backoffice.moments import moment_column
from access.backoffice.paginator import count_up_to, shown_count
from access.callers import caller_in_admin, principal_in
from accounts.models import Membership, Organization, User
from accounts.organizations import services as organizations
from accounts.organizations.changes import OrganizationChanges
from accounts.organizations.forms import MembershipForm, MembershipFormSet, OrganizationForm
from accounts.users.lookups import lock
from config.database.rows import in_batches
from config.profiles import Capability

MOST_SHOWN = 100  # members on one page


class MembershipInline(admin.TabularInline[Membership, Organization]):
    model = Membership
    form = MembershipForm
    formset = MembershipFormSet
    autocomplete_fields = ("user",)
    extra = 0
    verbose_name = _("member")
    verbose_name_plural = _("members")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        """Return the first MOST_SHOWN members that match the search; on POST, those that the form shows."""
        rows = super().get_queryset(request).select_related("user", "organization").order_by("pk")
        if request.method == "POST":
            return rows.filter(pk__in=_numbers_sent(request, "-id"))
        return rows.filter(pk__in=_found(request).values("pk")[:MOST_SHOWN])

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Accept only people whom the caller may see, as the API does."""
        kwargs |= {"queryset": User.objects.visible_to(principal_in(request)), "form_class": RowField}
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True  # people who may see the organization may see its members

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, Capability.MANAGE_ORGANIZATIONS, obj.pk if obj else None)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request, obj)


class OrganizationAdmin(CapabilityAdmin):
    """The base page of organizations; apikeys.admin.organizations adds their keys and registers it."""

    can_read = frozenset({Capability.READ_ORGANIZATIONS})
    can_write = frozenset({Capability.MANAGE_ORGANIZATIONS})
    form = OrganizationForm
    inlines = (MembershipInline,)
    list_display: tuple[str, ...] = ("known_as", "member_count", "requires_second_factor", "created")
    list_filter = ("requires_second_factor",)
    search_fields = ("name",)
    readonly_fields: ClassVar[tuple[str, ...]] = ("created",)
    created = moment_column("created_at", _("created"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organization]:
        members = Membership.objects.filter(organization=OuterRef("pk"))
        return Organization.objects.visible_to(principal_in(request)).annotate(counted=count_up_to(members))

    @admin.display(description=_("name"), ordering="name_key")
    def known_as(self, organization: Organization) -> str:
        return organization.name

    @admin.display(description=_("members"))
    def member_count(self, organization: Any) -> str:
        return str(shown_count(organization.counted))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may(request, Capability.MANAGE_ORGANIZATIONS)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, Capability.MANAGE_ORGANIZATIONS, obj.pk if obj else None)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        has_many = _members(object_id)[: MOST_SHOWN + 1].count() > MOST_SHOWN
        context = {
            "has_many_members": has_many,
            "most_members": MOST_SHOWN,
            "member": request.GET.get("member", ""),
        }
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def save_model(self, request: HttpRequest, obj: Organization, form: Any, change: bool) -> None:
        """Lock the members before the first event, because recording locks the end of the audit log."""
        if change:
            lock(obj)
        for people in in_batches(User.objects.select_for_update(), _members_on(request, obj)):
            list(people.values_list("pk"))
        caller, changes = caller_in_admin(request), OrganizationChanges(**form.changes())
        if not change:
            obj.pk = organizations.create_organization(caller=caller, name=form.cleaned_data["name"]).pk
        organizations.update_organization(caller=caller, organization=obj, changes=changes)

    def save_formset(
        self, request: HttpRequest, form: Any, formset: BaseModelFormSet[Any, Any], change: bool
    ) -> None:
        """Add members, change their roles and remove them, each by a service call."""
        caller = caller_in_admin(request)
        formset.save(commit=False)
        for membership in formset.deleted_objects:
            organizations.remove_member(caller=caller, membership=membership)
        for membership, _names in formset.changed_objects:
            organizations.change_member_role(caller=caller, membership=membership, role=membership.role)
        for membership in formset.new_objects:
            organization = Organization.objects.get(pk=form.instance.pk)
            organizations.add_member(
                caller=caller, organization=organization, user=membership.user, role=membership.role
            )


def _members_on(request: HttpRequest, organization: Organization) -> set[int]:
    """Return the primary keys of the people in the submitted form: present members and new ones."""
    there = Membership.objects.filter(organization_id=organization.pk or 0)
    shown = there.filter(pk__in=_numbers_sent(request, "-id")).values_list("user_id", flat=True)
    return {*shown, *_numbers_sent(request, "-user")}


def _numbers_sent(request: HttpRequest, ending: str) -> set[int]:
    """Return the primary keys in the submitted fields whose names have this ending."""
    sent = [request.POST[name] for name in request.POST if name.endswith(ending)]
    return {int(number) for number in sent if NUMBER.fullmatch(number)}


def _members(object_id: str) -> QuerySet[Membership]:
    """Return the members of the organization with this primary key, which comes from the page's address."""
    return Membership.objects.filter(organization_id=int(object_id) if NUMBER.fullmatch(object_id) else 0)


def _found(request: HttpRequest) -> QuerySet[Membership]:
    """Return the members of the organization on this page that match the search, if there is one."""
    place, text = request.resolver_match, request.GET.get("member", "")
    rows = _members(str(place.kwargs.get("object_id", "")) if place else "")
    if not text.isprintable():
        return rows.none()
    return rows.filter(user__in=User.objects.get_queryset().matching(text)) if text else rows
