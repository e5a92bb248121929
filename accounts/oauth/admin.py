"""OAuth2 in the admin: clients for those who manage keys, consents for whoever gave them."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from oauth2_provider import admin as _theirs  # noqa: F401 (it registers what is unregistered here)
from oauth2_provider.models import IDToken

from accounts.admin_site import note_denied
from accounts.callers import caller_in_admin
from accounts.models import (
    Consent,
    ConsentQuerySet,
    OAuthAccessToken,
    OAuthClient,
    OAuthCode,
    OAuthRefreshToken,
)
from accounts.oauth.forms import ClientForm, NewClientForm
from accounts.services import consents, oauth_clients
from accounts.services.oauth_clients import NewClient
from config import profiles
from config.admin import CapabilityAdmin, add_error, may, principal_in
from config.errors import DomainError, NotAllowed
from config.profiles import Capability

admin.site.unregister((IDToken, OAuthAccessToken, OAuthClient, OAuthCode, OAuthRefreshToken))


@admin.register(OAuthClient)
class OAuthClientAdmin(CapabilityAdmin):
    """Clients. A secret is shown once, in the answer to the form that made it."""

    form = ClientForm
    list_display = ("name", "client_id", "client_type", "owner", "created")
    list_filter = ("client_type",)
    list_select_related = ("user", "organization")
    search_fields = ("name", "client_id")
    fields = ("name", "client_id", "client_type", "owner", "redirect_uris", "scopes", "created")
    readonly_fields = ("client_id", "client_type", "owner", "created")
    actions = ("replace_secret",)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return profiles.active().oauth2 is not None and may(request, Capability.MANAGE_KEYS)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    has_add_permission = has_module_permission
    has_change_permission = has_view_permission
    has_delete_permission = has_view_permission

    @admin.display
    def owner(self, client: OAuthClient) -> str:
        return str(client.user or client.organization or "whoever allows it")

    def save_model(self, request: HttpRequest, obj: OAuthClient, form: Any, change: bool) -> None:
        caller = caller_in_admin(request)
        oauth_clients.update_client(caller=caller, client=obj, changes=form.cleaned_data)

    def delete_model(self, request: HttpRequest, obj: OAuthClient) -> None:
        oauth_clients.delete_clients(caller=caller_in_admin(request), selected=[obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[OAuthClient]) -> None:
        oauth_clients.delete_clients(caller=caller_in_admin(request), selected=queryset)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What is said before clients are deleted: which, and that what they have goes along."""
        named = [f"{client}, with its consents, codes and tokens" for client in objs]
        return named, {"clients": len(named)}, set(), []

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Ask what kind of client, register it, and show its secret in the answer to the form itself."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = NewClientForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            values = dict(form.cleaned_data)
            owner = values.pop("user") or values.pop("organization", None)
            values.pop("organization", None)
            try:
                made = oauth_clients.create_client(caller=caller_in_admin(request), owner=owner, **values)
                return self._shown(request, made)
            except DomainError as error:
                if isinstance(error, NotAllowed):
                    note_denied(request, error)
                add_error(form, error)
        return self._page(request, "new", "Register an OAuth2 client", form=form)

    @admin.action(description="Give the selected client another secret", permissions=["change"])
    def replace_secret(self, request: HttpRequest, selected: QuerySet[OAuthClient]) -> HttpResponse | None:
        clients = list(selected)
        if len(clients) != 1:
            messages.error(request, "Select one client. Nothing was done.")
            return None
        made = oauth_clients.replace_secret(caller=caller_in_admin(request), client=clients[0])
        return self._shown(request, made)

    def _shown(self, request: HttpRequest, made: NewClient) -> HttpResponse:
        return self._page(request, "created", "Copy the secret now", made=made)

    def _page(self, request: HttpRequest, name: str, title: str, **context: Any) -> HttpResponse:
        site = self.admin_site.each_context(request)
        values = {**site, "opts": self.opts, "title": title, **context}
        response = TemplateResponse(request, f"admin/accounts/oauthclient/{name}.html", values)
        response.headers["Cache-Control"] = "no-store"
        return response


@admin.register(Consent)
class ConsentAdmin(CapabilityAdmin):
    """What people allow clients: one's own, or, for those who manage people, everybody's."""

    list_display = ("client", "user", "scope_list", "created_at", "last_used_at", "expires_at")
    list_display_links = None
    list_select_related = ("client", "user")
    search_fields = ("client__name", "user__username", "user__email")
    actions = ("withdraw",)

    def get_queryset(self, request: HttpRequest) -> ConsentQuerySet:
        return Consent.objects.visible_to(principal_in(request)).live(timezone.now())

    def has_module_permission(self, request: HttpRequest) -> bool:
        return profiles.active().oauth2 is not None and principal_in(request) is not None

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    @admin.display(description="scopes")
    def scope_list(self, consent: Consent) -> str:
        return ", ".join(consent.scopes)

    @admin.action(description="Withdraw selected consents", permissions=["view"])
    def withdraw(self, request: HttpRequest, selected: QuerySet[Consent]) -> None:
        rows = list(selected.select_related("user", "client"))
        for consent in rows:
            consents.withdraw_consent(caller=caller_in_admin(request), consent=consent)
        messages.success(request, f"Consents withdrawn: {len(rows)}.")
