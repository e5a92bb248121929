"""OAuth2 in the admin: clients, for people who manage keys, and consents, for the people who gave them."""

from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise
from oauth2_provider import admin as _theirs  # noqa: F401 (it registers what is unregistered here)
from oauth2_provider.models import IDToken

from access.backoffice.base import may
from access.backoffice.confirmation import Confirmation, ConfirmingAdmin, ConfirmOnceForm
from access.backoffice.filters import Options, WordsFilter
from access.backoffice.humanize import ago
from access.backoffice.moments import moment_column, shown_ago
from access.backoffice.paginator import count_up_to, shown_count
from access.callers import caller_in_admin, principal_if_any, principal_in
from accounts.idempotency.forms import SENT_BEFORE, once_by_form
from accounts.sessions.admin_site import made_with
from config import profiles
from config.profiles import Capability
from oauth.changes import ClientChanges
from oauth.forms import ClientForm, NewClientForm
from oauth.models import Consent, ConsentQuerySet, OAuthAccessToken, OAuthClient, OAuthCode, OAuthRefreshToken
from oauth.services import clients as oauth_clients
from oauth.services import consents
from oauth.services.clients import NewClient

admin.site.unregister((IDToken, OAuthAccessToken, OAuthClient, OAuthCode, OAuthRefreshToken))


TEMPLATES = "admin/accounts/oauthclient"
MADE_BEFORE = _("This form has already registered its client, whose secret is shown only once.")
REPLACE_SECRET = Confirmation(
    _("Replace the client's secret"),
    _("Replace"),
    _("The client's current secret stops working. The new one is shown only once:"),
    _("secret replaced"),
    _("secrets replaced"),
)
WITHDRAW = Confirmation(
    _("Withdraw consents"),
    _("Withdraw"),
    _("These programs can no longer act for these people, and their tokens stop working:"),
    _("consent withdrawn"),
    _("consents withdrawn"),
)


KINDS = {"machine": _("machine"), "public": _("public"), "confidential": _("confidential")}


class KindFilter(WordsFilter):
    title, parameter_name = _("kind"), "kind"

    def options(self, request: HttpRequest) -> Options:
        machine = Q(authorization_grant_type=OAuthClient.GRANT_CLIENT_CREDENTIALS)
        public = Q(client_type=OAuthClient.CLIENT_PUBLIC)
        kinds = {"machine": machine, "public": public, "confidential": ~machine & ~public}
        return {kind: (KINDS[kind], condition) for kind, condition in kinds.items()}


@admin.register(OAuthClient)
class OAuthClientAdmin(ConfirmingAdmin):
    """Clients. A secret is shown once, in the answer to the form that created it."""

    form = ClientForm
    list_display = ("name", "client_id", "kind", "pkce", "owner", "scope_list", "live_tokens", "last_used")
    list_filter = (KindFilter,)
    list_select_related = ("user", "organization")
    search_fields = ("name", "client_id")
    fields = (
        "name",
        "client_id",
        "kind",
        "owner",
        "redirect_uris",
        "post_logout_redirect_uris",
        "without_pkce",
        "device_grant",
        "scopes",
        "registered",
    )
    readonly_fields = ("client_id", "kind", "owner", "registered")
    registered = moment_column("created", _("registered"))
    actions = ("replace_secret",)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return profiles.active().oauth2 is not None and may(request, Capability.MANAGE_KEYS)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    has_add_permission = has_module_permission
    has_change_permission = has_view_permission
    has_delete_permission = has_view_permission

    def get_queryset(self, request: HttpRequest) -> QuerySet[OAuthClient]:
        live = OAuthAccessToken.objects.filter(application=OuterRef("pk"), expires__gt=timezone.now())
        used = Consent.objects.filter(client=OuterRef("pk")).order_by("-last_used_at").values("last_used_at")
        return OAuthClient.objects.annotate(counted_tokens=count_up_to(live), used_at=Subquery(used[:1]))

    @admin.display(description=_("scopes"))
    def scope_list(self, client: OAuthClient) -> str:
        return ", ".join(client.scopes)

    @admin.display(description=_("PKCE"))
    def pkce(self, client: OAuthClient) -> str:
        if client.is_machine:
            return gettext("not used")
        return gettext("required") if client.needs_pkce else gettext("not required")

    @admin.display(description=_("live tokens"))
    def live_tokens(self, client: Any) -> str:
        return str(shown_count(client.counted_tokens))

    @admin.display(description=_("last used"))
    def last_used(self, client: Any) -> SafeString:
        """Return when a consent to the client was last used; that is unknown for machines."""
        return SafeString(gettext("not known")) if client.is_machine else shown_ago(client.used_at)

    @admin.display(description=_("owner"))
    def owner(self, client: OAuthClient) -> str:
        return str(client.user or client.organization or gettext("people who allow it"))

    def save_model(self, request: HttpRequest, obj: OAuthClient, form: Any, change: bool) -> None:
        caller = caller_in_admin(request)
        oauth_clients.update_client(caller=caller, client=obj, changes=ClientChanges(**form.changes()))

    def delete_model(self, request: HttpRequest, obj: OAuthClient) -> None:
        oauth_clients.delete_clients(caller=caller_in_admin(request), selected=[obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[OAuthClient]) -> None:
        oauth_clients.delete_clients(caller=caller_in_admin(request), selected=queryset)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """List the clients to be deleted and what is deleted with them, for Django's confirmation page."""
        words = gettext("%(client)s, with its consents, codes and tokens")
        named = [words % {"client": client} for client in objs]
        return named, {gettext("clients"): len(named)}, set(), []

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Show the form, register the client, and show its secret in the answer to the form."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = NewClientForm(principal_in(request), request.POST if request.method == "POST" else None)
        made = made_with(form, request, lambda: self._make(request, dict(form.cleaned_data)))
        return made or self.page(
            request, f"{TEMPLATES}/new.html", gettext("Register an OAuth2 client"), form=form
        )

    def _make(self, request: HttpRequest, values: dict[str, Any]) -> HttpResponse:
        """Register the client and show its secret. Sent again, the form does nothing. Raises DomainError."""
        person, organization, ticket = (values.pop(name) for name in ("user", "organization", "ticket"))
        try:
            made = oauth_clients.create_client(
                caller=caller_in_admin(request), owner=person or organization, uuid=ticket, **values
            )
        except IntegrityError:
            made_before = OAuthClient.objects.get(uuid=ticket)
            return self._back(request, MADE_BEFORE, made_before)
        return self._shown(request, made)

    @admin.action(description=_("Replace the secret of the selected client"), permissions=["change"])
    def replace_secret(self, request: HttpRequest, selected: QuerySet[OAuthClient]) -> HttpResponse | None:
        if len(selected[:2]) != 1:
            messages.error(request, gettext("Select one client. Nothing was done."))
            return None

        def do(*, selected: list[OAuthClient], ticket: UUID) -> HttpResponse:
            caller = caller_in_admin(request)
            replace = partial(oauth_clients.replace_secret, caller=caller, client=selected[0])
            made = once_by_form(caller, "client secret", ticket, lambda claim: replace(claim=claim))
            if made is None:
                return self._back(request, SENT_BEFORE, selected[0])
            return self._shown(request, made)

        return self.ask(request, selected, REPLACE_SECRET, do, ConfirmOnceForm)

    def _back(self, request: HttpRequest, text: StrOrPromise, client: OAuthClient) -> HttpResponse:
        """Lead to the page of a client, which says `text`."""
        messages.warning(request, text)
        return HttpResponseRedirect(reverse("admin:accounts_oauthclient_change", args=[client.pk]))

    def _shown(self, request: HttpRequest, made: NewClient) -> HttpResponse:
        return self.page(request, f"{TEMPLATES}/created.html", gettext("Copy the secret now"), made=made)


@admin.register(Consent)
class ConsentAdmin(ConfirmingAdmin):
    """Consents to clients: one's own, or everybody's for people who manage people."""

    list_display = ("client", "user", "scope_list", "given", "last_used", "expires")
    list_display_links = None
    given = moment_column("created_at", _("given"))
    last_used = moment_column("last_used_at", _("last used"))
    expires = moment_column("expires_at", _("expires"))
    list_select_related = ("client", "user")
    search_fields = ("client__name", "user__username", "user__email")
    actions = ("withdraw",)

    def get_queryset(self, request: HttpRequest) -> ConsentQuerySet:
        return Consent.objects.visible_to(principal_in(request)).live(timezone.now())

    def has_module_permission(self, request: HttpRequest) -> bool:
        return profiles.active().oauth2 is not None and principal_if_any(request) is not None

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    @admin.display(description=_("scopes"))
    def scope_list(self, consent: Consent) -> str:
        return ", ".join(consent.scopes)

    def in_words(self, consent: Consent) -> str:
        return gettext("%(client)s for %(user)s: last used %(ago)s") % {
            "client": consent.client,
            "user": consent.user,
            "ago": ago(consent.last_used_at, timezone.now()),
        }

    @admin.action(description=_("Withdraw selected consents"), permissions=["view"])
    def withdraw(self, request: HttpRequest, selected: QuerySet[Consent]) -> HttpResponse | None:
        service = partial(consents.withdraw_consents, caller=caller_in_admin(request))
        return self.ask(request, selected, WITHDRAW, service)
