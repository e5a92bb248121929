"""Invitations in the admin: invite, resend, withdraw."""

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from access.backoffice.base import said_status
from access.backoffice.confirmation import Confirmation, ConfirmingAdmin
from access.backoffice.filters import Options, WordsFilter
from access.backoffice.forms import RowField, offer_rows
from access.backoffice.moments import moment_column
from access.callers import caller_in_admin, principal_in
from accounts.invitations import services as invitations
from accounts.invitations.forms import InvitationForm
from accounts.models import Invitation, Organization
from accounts.users.admin_filters import OrganizationRoleFilter
from config.profiles import Capability

WITHDRAW = Confirmation(
    _("Withdraw invitations"),
    _("Withdraw"),
    _("The links that were mailed to these people stop working:"),
    _("invitation withdrawn"),
    _("invitations withdrawn"),
)


class StatusFilter(WordsFilter):
    title, parameter_name = _("status"), "status"

    def options(self, request: HttpRequest) -> Options:
        expired = Q(expires_at__lte=timezone.now())
        return {"open": (gettext("open"), ~expired), "expired": (gettext("expired"), expired)}


class InvitationAdmin(ConfirmingAdmin):
    """Open invitations, for people who manage the organization or who manage people."""

    can_read = frozenset({Capability.MANAGE_ORGANIZATIONS, Capability.MANAGE_USERS})
    can_write = can_read
    form = InvitationForm
    readonly_fields = ("email", "organization", "role", "invited_by", "created", "expires", "status")
    optional = frozenset({"organization"})
    created = moment_column("created_at", _("sent first"))
    expires = moment_column("expires_at", _("expires"))
    list_display = ("email", "organization", "role", "invited_by", "created", "expires", "status")
    list_filter = (StatusFilter, OrganizationRoleFilter)
    list_select_related = ("organization", "invited_by")
    search_fields = ("email", "organization__name")
    actions = ("resend", "withdraw")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Invitation]:
        return Invitation.objects.manageable_by(principal_in(request))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readonly_fields if obj else InvitationForm.Meta.fields

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the organizations that the caller may manage."""
        field = super().formfield_for_foreignkey(db_field, request, form_class=RowField, **kwargs)
        offer_rows(field, db_field, Organization.objects.manageable_by(principal_in(request)))
        return field

    def save_model(self, request: HttpRequest, obj: Invitation, form: Any, change: bool) -> None:
        obj.pk = invitations.invite(caller=caller_in_admin(request), **form.cleaned_data).pk

    @admin.display(description=_("status"))
    def status(self, invitation: Invitation) -> SafeString:
        has_expired = invitation.expires_at <= timezone.now()
        return said_status("expired") if has_expired else said_status(gettext("open"), "active")

    def in_words(self, invitation: Invitation) -> str:
        where = invitation.organization or gettext("no organization")
        return gettext("%(email)s, %(role)s of %(organization)s") % {
            "email": invitation.email,
            "role": invitation.role,
            "organization": where,
        }

    @admin.action(description=_("Send selected invitations again"), permissions=["add"])
    def resend(self, request: HttpRequest, selected: QuerySet[Invitation]) -> None:
        rows = list(selected)
        for invitation in rows:
            invitations.resend_invitation(caller=caller_in_admin(request), invitation=invitation)
        messages.success(request, gettext("Invitations sent again: %(count)d.") % {"count": len(rows)})

    @admin.action(description=_("Withdraw selected invitations"), permissions=["add"])
    def withdraw(self, request: HttpRequest, selected: QuerySet[Invitation]) -> HttpResponse | None:
        service = partial(invitations.withdraw_invitations, caller=caller_in_admin(request))
        return self.ask(request, selected, WITHDRAW, service)
