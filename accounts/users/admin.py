"""People in the admin. Every change is a service call."""

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db.models import Prefetch, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from access.backoffice.base import may, said_status
from access.backoffice.confirmation import Confirmation, ConfirmingAdmin
from access.backoffice.humanize import ago
from access.backoffice.moments import moment_column, shown_ago
from access.callers import caller_in_admin, principal_in
from accounts.models import Membership, Organization, User
from accounts.notifications.kinds import CHOICES, Notification
from accounts.second_factor import services as second_factor
from accounts.sessions import services as sessions
from accounts.users import services as users
from accounts.users.admin_filters import RoleFilter, SecondFactorFilter
from accounts.users.changes import UserChanges
from accounts.users.forms import NewUserForm, UserForm
from config.profiles import Capability
from config.wire.errors import DomainError

DEACTIVATE = Confirmation(
    _("Deactivate people"),
    _("Deactivate"),
    _(
        "These people are logged out everywhere and cannot log in. Their API keys stop working, and programs "
        "can no longer act for them:"
    ),
    _("person deactivated"),
    _("people deactivated"),
)
ACTIVATE = Confirmation(
    _("Activate people"),
    _("Activate"),
    _("These people can log in again, and their API keys work again:"),
    _("person activated"),
    _("people activated"),
)
END_SESSIONS = Confirmation(
    _("End all sessions"),
    _("End sessions"),
    _("These people will be logged out everywhere, also from the admin, and must log in again:"),
    _("person logged out everywhere"),
    _("people logged out everywhere"),
)
REQUIRE = Confirmation(
    _("Require a second factor"),
    _("Require"),
    _(
        "Until these people log in with a second factor, their roles allow them nothing. People without a "
        "second factor can add one and do nothing else. Their API keys keep working:"
    ),
    _("person must now use a second factor"),
    _("people must now use a second factor"),
)
WAIVE = Confirmation(
    _("Stop requiring a second factor"),
    _("Stop requiring"),
    _("These people can log in with a password alone, unless the profile or an organization requires more:"),
    _("person no longer has to use a second factor"),
    _("people no longer have to use a second factor"),
)
REMOVE = Confirmation(
    _("Remove second factors"),
    _("Remove"),
    _(
        "These people log in with their password alone from now on. Their authenticator apps, passkeys and "
        "recovery codes stop working:"
    ),
    _("second factor removed"),
    _("second factors removed"),
)
SHOWN_MEMBERSHIPS = 3


@admin.register(User)
class UserAdmin(ConfirmingAdmin):
    can_read = frozenset({Capability.READ_USERS})
    can_write = frozenset({Capability.MANAGE_USERS})
    form = UserForm
    list_display = (
        "person",
        "address",
        "name",
        "role",
        "is_superuser",
        "in_organizations",
        "second_factor_state",
        "last_login",
        "is_active",
    )
    list_select_related = ("second_factor",)
    list_filter = (RoleFilter, SecondFactorFilter, "is_active", "is_superuser")
    search_fields = ("username", "email", "name")
    fields = (
        "username",
        "email",
        "email_verified",
        "name",
        "language",
        "time_zone",
        "mails",
        "notifications",
        "role",
        "is_active",
        "is_superuser",
        "must_have_second_factor",
        "second_factor_state",
        "in_organizations",
        "created",
        "last_login_time",
    )
    optional = frozenset({"username", "name", "language", "time_zone"})
    created = moment_column("created_at", _("created"))
    last_login_time = moment_column("last_login_at", _("last login"))
    readonly_fields = tuple(name for name in fields if name not in UserForm.Meta.fields)
    actions = (
        "deactivate",
        "activate",
        "end_sessions",
        "require_second_factor",
        "waive_second_factor",
        "remove_second_factor",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """The people whom the caller may see, with the first few organizations that the caller may see."""
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
        if obj is None:
            return (*NewUserForm.Meta.fields, "password")
        hidden = "mails" if self.has_change_permission(request) else "notifications"
        return [name for name in self.fields if name != hidden]

    @admin.display(description=_("user"), ordering="username_key")
    def person(self, user: User) -> str:
        return str(user)

    @admin.display(description=_("e-mail address"), ordering="email_key")
    def address(self, user: User) -> str:
        return user.email

    @admin.display(description=_("organizations"))
    def in_organizations(self, user: Any) -> str:
        named = [f"{each.organization} ({each.role})" for each in user.shown_memberships[:SHOWN_MEMBERSHIPS]]
        more = ["…"] if len(user.shown_memberships) > SHOWN_MEMBERSHIPS else []
        return ", ".join([*named, *more]) or gettext("none")

    @admin.display(description=_("mails about API keys"))
    def mails(self, user: User) -> str:
        chosen = [str(CHOICES[Notification(kind)]) for kind in user.notifications]
        return ", ".join(chosen) or gettext("none, except leaks")

    @admin.display(description=_("second factor"))
    def second_factor_state(self, user: User) -> SafeString:
        device = getattr(user, "second_factor", None)
        if device is not None and device.confirmed:
            return said_status(gettext("yes"), "active")
        return (
            said_status(gettext("required"), "expiring")
            if user.must_have_second_factor
            else said_status(gettext("no"), "expired")
        )

    @admin.display(description=_("last login"), ordering="last_login_at")
    def last_login(self, user: User) -> SafeString:
        return shown_ago(user.last_login_at)

    def in_words(self, user: Any) -> str:
        last = ago(user.last_login_at, timezone.now())
        return gettext("%(user)s (%(role)s): last login %(ago)s") % {
            "user": user,
            "role": user.role,
            "ago": last,
        }

    @admin.action(description=_("Deactivate selected people"), permissions=["change"])
    def deactivate(self, request: HttpRequest, selected: QuerySet[User]) -> HttpResponse | None:
        return self._change(request, selected, DEACTIVATE, UserChanges(is_active=False))

    @admin.action(description=_("Activate selected people"), permissions=["change"])
    def activate(self, request: HttpRequest, selected: QuerySet[User]) -> HttpResponse | None:
        return self._change(request, selected, ACTIVATE, UserChanges(is_active=True))

    @admin.action(description=_("Require a second factor of selected people"), permissions=["change"])
    def require_second_factor(self, request: HttpRequest, selected: QuerySet[User]) -> HttpResponse | None:
        return self._change(request, selected, REQUIRE, UserChanges(must_have_second_factor=True))

    @admin.action(description=_("Stop requiring a second factor of selected people"), permissions=["change"])
    def waive_second_factor(self, request: HttpRequest, selected: QuerySet[User]) -> HttpResponse | None:
        return self._change(request, selected, WAIVE, UserChanges(must_have_second_factor=False))

    @admin.action(description=_("Remove the second factor of selected people"), permissions=["change"])
    def remove_second_factor(self, request: HttpRequest, selected: QuerySet[User]) -> HttpResponse | None:
        having = selected.filter(second_factor__confirmed=True)
        service = partial(second_factor.remove_second_factors, caller=caller_in_admin(request))
        return self.ask(request, having, REMOVE, service)

    @admin.action(description=_("End all sessions of selected people"), permissions=["change"])
    def end_sessions(self, request: HttpRequest, selected: QuerySet[User]) -> HttpResponse | None:
        service = partial(sessions.end_sessions_of, caller=caller_in_admin(request))
        return self.ask(request, selected, END_SESSIONS, service)

    def _change(
        self, request: HttpRequest, selected: QuerySet[User], question: Confirmation, changes: UserChanges
    ) -> HttpResponse | None:
        service = partial(users.update_users, caller=caller_in_admin(request), changes=changes)
        return self.ask(request, selected, question, service)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        caller = caller_in_admin(request)
        if change:
            users.update_user(caller=caller, user=obj, changes=UserChanges(**form.changes()))
        else:
            obj.pk = users.create_user(caller=caller, **form.cleaned_data).pk

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """List the people to be deleted and what is deleted with them, for Django's confirmation page."""
        words = gettext("%(user)s, with memberships, sessions and API keys")
        people = [words % {"user": user} for user in objs]
        return people, {gettext("people"): len(people)}, set(), []

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        users.delete_user(caller=caller_in_admin(request), user=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        try:
            users.delete_users(caller=caller_in_admin(request), selected=queryset)
        except DomainError:
            messages.error(request, gettext("Nobody was deleted."))  # the admin site adds the reason
            raise
