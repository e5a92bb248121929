"""Passkeys in the admin: see who has which, and remove those that their owners have lost."""

from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from access.backoffice.base import may
from access.backoffice.confirmation import Confirmation, ConfirmingAdmin
from access.backoffice.moments import moment_column, shown_ago
from access.callers import caller_in_admin
from accounts.models import Passkey, User
from accounts.passkeys import services as passkeys
from config.profiles import Capability

REMOVE = Confirmation(
    _("Remove passkeys"),
    _("Remove"),
    _(
        "These passkeys stop working, and their owners are logged out everywhere. People without another "
        "second factor log in with their password alone from now on:"
    ),
    _("passkey removed"),
    _("passkeys removed"),
)


class PasskeyAdmin(ConfirmingAdmin):
    """The passkeys of all people, for administrators of people. Owners add and rename them in the console."""

    list_display = ("owner", "name", "rp_id", "kept", "added", "last_used")
    list_display_links = None
    fields = readonly_fields = ("owner", "name", "rp_id", "kept", "created", "used")
    created = moment_column("created_at", _("added"))
    used = moment_column("last_used_at", _("last used"))
    list_select_related = ("second_factor__user",)
    search_fields = ("name",)  # turns the search box on; get_search_results searches
    search_help_text = _("Beginning of a user name or e-mail address")
    actions = ("remove",)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may(request, Capability.MANAGE_USERS)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, Capability.MANAGE_USERS)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Passkey], search_term: str
    ) -> tuple[QuerySet[Passkey], bool]:
        """Find the passkeys of people whose names begin with the term."""
        if not search_term:
            return queryset, False
        return queryset.filter(second_factor__user_id__in=User.objects.beginning(search_term)), False

    @admin.display(description=_("user"))
    def owner(self, passkey: Passkey) -> str:
        return str(passkey.user)

    @admin.display(description=_("kept"))
    def kept(self, passkey: Passkey) -> str:
        return gettext("on several devices") if passkey.backed_up else gettext("on one device")

    @admin.display(description=_("added"))
    def added(self, passkey: Passkey) -> SafeString:
        return shown_ago(passkey.created_at)

    @admin.display(description=_("last used"))
    def last_used(self, passkey: Passkey) -> SafeString:
        return shown_ago(passkey.last_used_at)

    def in_words(self, passkey: Passkey) -> str:
        return gettext("“%(name)s” of %(user)s") % {"name": passkey.name, "user": passkey.user}

    @admin.action(description=_("Remove selected passkeys"), permissions=["view"])
    def remove(self, request: HttpRequest, selected: QuerySet[Passkey]) -> HttpResponse | None:
        service = partial(passkeys.remove_passkeys, caller=caller_in_admin(request))
        return self.ask(request, selected, REMOVE, service)
