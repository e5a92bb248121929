"""People and organizations in the admin. Every change is a service call."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import BaseModelFormSet, ModelForm
from django.http import HttpRequest

from accounts.admin_filters import RoleFilter, SecondFactorFilter
from accounts.callers import caller_in_admin
from accounts.forms import MembershipForm, MembershipFormSet, NewUserForm, OrganizationForm, UserForm
from accounts.invitation_admin import InvitationAdmin
from accounts.models import Invitation, Membership, Organization, Session, User
from accounts.oauth import admin as _oauth  # noqa: F401 (it registers itself)
from accounts.services import organizations, second_factor, sessions, users
from accounts.session_admin import SessionAdmin
from config.admin import CapabilityAdmin, may, principal_in
from config.errors import DomainError
from config.profiles import Capability


@admin.register(User)
class UserAdmin(CapabilityAdmin):
    can_read = frozenset({Capability.READ_USERS})
    can_write = frozenset({Capability.MANAGE_USERS})
    form = UserForm
    list_display = (
        *("__str__", "email", "name", "role", "is_active", "is_superuser", "has_second_factor"),
        "last_login_at",
    )
    list_select_related = ("second_factor",)
    list_filter = (RoleFilter, SecondFactorFilter, "is_active", "is_superuser")
    search_fields = ("username", "email", "name")
    fields = (
        *("username", "email", "name", "role", "is_active", "is_superuser", "has_second_factor"),
        *("created_at", "last_login_at"),
    )
    readonly_fields = ("username", "email", "has_second_factor", "created_at", "last_login_at")
    actions = ("remove_second_factor", "end_sessions")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return User.objects.visible_to(principal_in(request))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may(request, Capability.MANAGE_USERS)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[ModelForm[User]]:
        return super().get_form(
            request, obj, change, **({"form": NewUserForm} if obj is None else {}) | kwargs
        )

    def get_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        return self.fields if obj else (*NewUserForm.Meta.fields, "password")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        return self.readonly_fields if obj else ()

    @admin.display(description="second factor", boolean=True)
    def has_second_factor(self, user: User) -> bool:
        device = getattr(user, "second_factor", None)
        return device is not None and device.confirmed

    @admin.action(description="Remove the second factor of selected people", permissions=["change"])
    def remove_second_factor(self, request: HttpRequest, selected: QuerySet[User]) -> None:
        people = list(selected.filter(second_factor__confirmed=True))
        second_factor.remove_second_factors(caller=caller_in_admin(request), people=people)
        messages.success(request, f"Second factors removed: {len(people)}.")

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        values = form.cleaned_data
        if change:
            users.update_user(caller=caller_in_admin(request), user=obj, changes=values)
        else:
            obj.pk = users.create_user(caller=caller_in_admin(request), **values).pk

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What is said before people are deleted: who, and that what is theirs goes along."""
        people = [f"{user}, with memberships, sessions and API keys" for user in objs]
        return people, {"people": len(people)}, set(), []

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        users.delete_user(caller=caller_in_admin(request), user=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        try:
            users.delete_users(caller=caller_in_admin(request), selected=queryset)
        except DomainError:
            messages.error(request, "Nobody was deleted.")  # the site says why
            raise

    @admin.action(description="End all sessions of selected users", permissions=["change"])
    def end_sessions(self, request: HttpRequest, selected: QuerySet[User]) -> None:
        for user in selected:
            sessions.end_sessions_of(caller=caller_in_admin(request), user=user)
        messages.success(request, f"People whose sessions have all ended: {len(selected)}.")


class MembershipInline(admin.TabularInline[Membership, Organization]):
    model = Membership
    form = MembershipForm
    formset = MembershipFormSet
    autocomplete_fields = ("user",)
    extra = 0
    verbose_name = "member"
    verbose_name_plural = "members"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return super().get_queryset(request).select_related("user", "organization").order_by("pk")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True  # for whoever sees the organization

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, Capability.MANAGE_ORGANIZATIONS, obj.pk if obj else None)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request, obj)


@admin.register(Organization)
class OrganizationAdmin(CapabilityAdmin):
    can_read = frozenset({Capability.READ_ORGANIZATIONS})
    can_write = frozenset({Capability.MANAGE_ORGANIZATIONS})
    form = OrganizationForm
    inlines = (MembershipInline,)
    list_display = ("name", "created_at")
    search_fields = ("name",)
    readonly_fields = ("created_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organization]:
        return Organization.objects.visible_to(principal_in(request))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may(request, Capability.MANAGE_ORGANIZATIONS)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, Capability.MANAGE_ORGANIZATIONS, obj.pk if obj else None)

    def save_model(self, request: HttpRequest, obj: Organization, form: Any, change: bool) -> None:
        caller, values = caller_in_admin(request), form.cleaned_data
        if not change:
            obj.pk = organizations.create_organization(caller=caller, name=values["name"]).pk
        organizations.update_organization(caller=caller, organization=obj, changes=values)

    def save_formset(
        self, request: HttpRequest, form: Any, formset: BaseModelFormSet[Any, Any], change: bool
    ) -> None:
        """Members: added, given another role, taken out; each by its service."""
        caller = caller_in_admin(request)
        formset.save(commit=False)
        for membership in formset.deleted_objects:
            organizations.remove_member(caller=caller, membership=membership)
        for membership, _ in formset.changed_objects:
            organizations.change_member_role(caller=caller, membership=membership, role=membership.role)
        for membership in formset.new_objects:
            organization = Organization.objects.get(pk=form.instance.pk)
            organizations.add_member(
                caller=caller, organization=organization, user=membership.user, role=membership.role
            )


admin.site.register(Session, SessionAdmin)
admin.site.register(Invitation, InvitationAdmin)
