"""People and organizations in the admin. Every change is a service call."""

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db.models import OuterRef, Prefetch, QuerySet
from django.forms import BaseModelFormSet, ModelForm
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString

from access.backoffice.base import CapabilityAdmin, may, said_ago, said_status
from access.backoffice.confirmation import AskingAdmin, Question
from access.backoffice.forms import RowField
from access.backoffice.humanize import ago
from access.backoffice.paginator import count_up_to, shown_count
from access.callers import caller_in_admin, principal_in
from accounts.admin_filters import RoleFilter, SecondFactorFilter
from accounts.forms import MembershipForm, MembershipFormSet, NewUserForm, OrganizationForm, UserForm
from accounts.invitation_admin import InvitationAdmin
from accounts.lookups import hold
from accounts.models import Invitation, Membership, Organization, Session, User
from accounts.oauth import admin as _oauth  # noqa: F401 (it registers itself)
from accounts.services import organizations, second_factor, sessions, users
from accounts.session_admin import SessionAdmin
from config.database.rows import by_number
from config.profiles import Capability
from config.wire.errors import DomainError

DEACTIVATE = Question(
    "Deactivate people",
    "Deactivate",
    "They are logged out everywhere and cannot log in; their keys, and all programs that they allowed to act "
    "for them, are refused from now on:",
    "people deactivated",
)
ACTIVATE = Question(
    "Activate people",
    "Activate",
    "They can log in again, and their keys are taken again:",
    "people activated",
)
END_SESSIONS = Question(
    "End all sessions",
    "End sessions",
    "They are logged out of everything, this admin too, and have to log in again:",
    "people logged out everywhere",
)
REQUIRE = Question(
    "Require a second factor",
    "Require",
    "Until they log in with a second factor their roles allow them nothing. Those who have none can add one, "
    "and nothing else. Their keys go on working:",
    "people have to have a second factor from now on",
)
WAIVE = Question(
    "Require no second factor",
    "Require none",
    "A password alone will do again, as far as the profile and their organizations let it:",
    "people need no second factor of their own any more",
)
REMOVE = Question(
    "Remove second factors",
    "Remove",
    "They log in with their password alone from now on. The app and the recovery codes that they have do not "
    "work any more:",
    "second factors removed",
)
SHOWN_MEMBERSHIPS = 3


@admin.register(User)
class UserAdmin(AskingAdmin):
    can_read = frozenset({Capability.READ_USERS})
    can_write = frozenset({Capability.MANAGE_USERS})
    form = UserForm
    list_display = (
        *("__str__", "email", "name", "role", "is_superuser", "in_organizations", "second_factor_state"),
        *("last_login", "is_active"),
    )
    list_select_related = ("second_factor",)
    list_filter = (RoleFilter, SecondFactorFilter, "is_active", "is_superuser")
    search_fields = ("username", "email", "name")
    fields = (
        *("username", "email", "email_verified", "name", "role", "is_active", "is_superuser"),
        *("must_have_second_factor", "second_factor_state", "in_organizations"),
        *("created_at", "last_login_at"),
    )
    readonly_fields = tuple(name for name in fields if name not in UserForm.Meta.fields)
    actions = (
        *("deactivate", "activate", "end_sessions"),
        *("require_second_factor", "waive_second_factor", "remove_second_factor"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Those whom one sees, with the first of their organizations that one sees."""
        principal = principal_in(request)
        seen = Membership.objects.filter(organization__in=Organization.objects.visible_to(principal))
        first = seen.select_related("organization").order_by("pk")[: SHOWN_MEMBERSHIPS + 1]
        return User.objects.visible_to(principal).prefetch_related(
            Prefetch("memberships", first, to_attr="shown_memberships")
        )

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

    @admin.display(description="organizations")
    def in_organizations(self, user: Any) -> str:
        named = [f"{each.organization} ({each.role})" for each in user.shown_memberships[:SHOWN_MEMBERSHIPS]]
        more = ["…"] if len(user.shown_memberships) > SHOWN_MEMBERSHIPS else []
        return ", ".join([*named, *more]) or "none"

    @admin.display(description="second factor")
    def second_factor_state(self, user: User) -> SafeString:
        device = getattr(user, "second_factor", None)
        if device is not None and device.confirmed:
            return said_status("yes", "active")
        return (
            said_status("required", "expiring")
            if user.must_have_second_factor
            else said_status("no", "expired")
        )

    @admin.display(description="last login", ordering="last_login_at")
    def last_login(self, user: User) -> SafeString:
        return said_ago(user.last_login_at)

    def in_words(self, user: Any) -> str:
        return f"{user} ({user.role}): last login {ago(user.last_login_at, timezone.now())}"

    @admin.action(description="Deactivate selected people", permissions=["change"])
    def deactivate(self, request: HttpRequest, selected: QuerySet[User]) -> HttpResponse | None:
        return self._change(request, selected, DEACTIVATE, is_active=False)

    @admin.action(description="Activate selected people", permissions=["change"])
    def activate(self, request: HttpRequest, selected: QuerySet[User]) -> HttpResponse | None:
        return self._change(request, selected, ACTIVATE, is_active=True)

    @admin.action(description="Require a second factor of selected people", permissions=["change"])
    def require_second_factor(self, request: HttpRequest, selected: QuerySet[User]) -> HttpResponse | None:
        return self._change(request, selected, REQUIRE, must_have_second_factor=True)

    @admin.action(description="Require no second factor of selected people", permissions=["change"])
    def waive_second_factor(self, request: HttpRequest, selected: QuerySet[User]) -> HttpResponse | None:
        return self._change(request, selected, WAIVE, must_have_second_factor=False)

    @admin.action(description="Remove the second factor of selected people", permissions=["change"])
    def remove_second_factor(self, request: HttpRequest, selected: QuerySet[User]) -> HttpResponse | None:
        having = selected.filter(second_factor__confirmed=True)
        service = partial(second_factor.remove_second_factors, caller=caller_in_admin(request))
        return self.ask(request, having, REMOVE, service)

    @admin.action(description="End all sessions of selected people", permissions=["change"])
    def end_sessions(self, request: HttpRequest, selected: QuerySet[User]) -> HttpResponse | None:
        service = partial(sessions.end_sessions_of, caller=caller_in_admin(request))
        return self.ask(request, selected, END_SESSIONS, service)

    def _change(
        self, request: HttpRequest, selected: QuerySet[User], question: Question, **changes: bool
    ) -> HttpResponse | None:
        service = partial(users.update_users, caller=caller_in_admin(request), changes=changes)
        return self.ask(request, selected, question, service)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        caller = caller_in_admin(request)
        if change:
            users.update_user(caller=caller, user=obj, changes=form.changes())
        else:
            obj.pk = users.create_user(caller=caller, **form.cleaned_data).pk

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

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Take only people whom one may see, as the API does."""
        kwargs |= {"queryset": User.objects.visible_to(principal_in(request)), "form_class": RowField}
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True  # for whoever sees the organization

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, Capability.MANAGE_ORGANIZATIONS, obj.pk if obj else None)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request, obj)


class OrganizationAdmin(CapabilityAdmin):
    """Registered with what is known of their keys: apikeys.organization_admin."""

    can_read = frozenset({Capability.READ_ORGANIZATIONS})
    can_write = frozenset({Capability.MANAGE_ORGANIZATIONS})
    form = OrganizationForm
    inlines = (MembershipInline,)
    list_display: tuple[str, ...] = ("name", "members", "requires_second_factor", "created_at")
    list_filter = ("requires_second_factor",)
    search_fields = ("name",)
    readonly_fields = ("created_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organization]:
        members = Membership.objects.filter(organization=OuterRef("pk"))
        return Organization.objects.visible_to(principal_in(request)).annotate(counted=count_up_to(members))

    @admin.display
    def members(self, organization: Any) -> str:
        return str(shown_count(organization.counted))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may(request, Capability.MANAGE_ORGANIZATIONS)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, Capability.MANAGE_ORGANIZATIONS, obj.pk if obj else None)

    def save_model(self, request: HttpRequest, obj: Organization, form: Any, change: bool) -> None:
        """Lock the members first: from the first event on the page has the end of the audit log."""
        if change:
            hold(obj)
        for people in by_number(User.objects.select_for_update(), _members_on(request, obj)):
            list(people.values_list("pk"))
        caller, values = caller_in_admin(request), form.changes()
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


def _members_on(request: HttpRequest, organization: Organization) -> set[int]:
    """The numbers of the people whose memberships there are, or are to be, on the page that was sent."""
    there = Membership.objects.filter(organization_id=organization.pk or 0).values_list("user_id", flat=True)
    sent = [request.POST[name] for name in request.POST if name.endswith("-user")]
    return {*there, *(int(number) for number in sent if number.isdecimal() and len(number) < 19)}


admin.site.register(Session, SessionAdmin)
admin.site.register(Invitation, InvitationAdmin)
