"""API keys in the admin: search, create (and show once), change, and act on keys. Keys are never deleted."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from access.backoffice.base import said_status
from access.backoffice.moments import moment_column, shown_ago
from access.callers import caller_in_admin, principal_in
from access.freshness import check_fresh
from accounts.sessions.admin_site import made_with
from apikeys.admin.actions import KeyActions, use_in_words
from apikeys.admin.filters import KEY_FILTERS
from apikeys.admin.lookup import holds_a_key, key_pasted
from apikeys.admin.new_key_form import NewKeyForm
from apikeys.admin.quota_form import KeyWithQuotaForm, QuotaFields
from apikeys.admin.usage_charts import chart_of_key, line_of_day, scopes_of
from apikeys.advice.unneeded import advice_for
from apikeys.attributes import in_lines
from apikeys.changes import ApiKeyChanges
from apikeys.made_through import why_revoked
from apikeys.models import ApiKey
from apikeys.predicates import matching
from apikeys.quotas.periods import day_of
from apikeys.quotas.services import change_key_quota
from apikeys.quotas.words import left_of
from apikeys.services.api_keys import create_api_key, update_api_key
from audit.models import Event
from config.profiles import Capability

LIST = "admin:apikeys_apikey_changelist"
CHANGE = "admin:apikeys_apikey_change"
MOST_EVENTS = 20
SHOWN_SCOPES = 2
LONGEST_SEARCH = 1_000  # finding a key in a megabyte of text would take minutes
FACTS = (  # read-only fields
    "status",
    "masked_key",
    "owner",
    "environment",
    "scope_list",
    "attribute_list",
    "created",
    "expires_when",
    "disabled",
    "revoked",
    "why_revoked",
    "quota",
    "use",
)


@admin.register(ApiKey)
class ApiKeyAdmin(KeyActions):
    can_read = frozenset({Capability.READ_OWN_KEYS, Capability.READ_KEYS})
    can_write = frozenset({Capability.MANAGE_OWN_KEYS, Capability.MANAGE_KEYS})
    form = KeyWithQuotaForm
    list_display = (
        "name",
        "masked_key",
        "owner",
        "environment",
        "few_scopes",
        "status",
        "last_use",
        "last_day",
        "expires",
    )
    list_filter = KEY_FILTERS
    list_select_related = ("user", "organization")
    sortable_by = ("name", "masked_key", "environment", "expires")  # only these have an index
    search_fields = ("name",)  # shows the search field; get_search_results searches
    search_help_text = _(
        "Words of a key's name or description, the beginning of an owner's name, or a whole key (not stored)"
    )
    fieldsets = (
        (None, {"fields": FACTS}),
        (_("Settings"), {"fields": ("name", "description", "metadata", "allowed_networks", "rate_limit")}),
        (_("Quota"), {"fields": tuple(QuotaFields.base_fields)}),
    )
    readonly_fields = FACTS
    optional = frozenset({"attribute_list", "disabled", "revoked", "why_revoked", "quota"})
    created = moment_column("created_at", _("created"))
    expires_when = moment_column("expires_at", _("expires"))
    disabled = moment_column("disabled_at", _("disabled"), never="")
    revoked = moment_column("revoked_at", _("revoked"), never="")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        return ApiKey.objects.visible_to(principal_in(request)).with_last_day(timezone.now())

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is None:
            return super().has_change_permission(request)
        return ApiKey.objects.manageable_by(principal_in(request)).filter(pk=obj.pk).exists()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Django's; people who may only see the key read its notes and limits instead of a form."""
        facts, *settings = super().get_fieldsets(request, obj)
        if self.has_change_permission(request, obj):
            return [facts, *settings]
        shown = [name for name in ("text", "pairs", "networks", "rate") if self._value(obj, name)]
        return [facts, (_("Settings"), {"fields": shown})]

    @admin.display(description=_("description"))
    def text(self, key: ApiKey) -> str:
        return key.description

    @admin.display(description=_("metadata"))
    def pairs(self, key: ApiKey) -> str:
        return in_lines(key.metadata)

    @admin.display(description=_("allowed networks"))
    def networks(self, key: ApiKey) -> str:
        return ", ".join(key.allowed_networks) or gettext("every address")

    @admin.display(description=_("rate limit"))
    def rate(self, key: ApiKey) -> str:
        return str(key.rate_limit or gettext("no limit"))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ApiKey], search_term: str
    ) -> tuple[QuerySet[ApiKey], bool]:
        return (queryset.filter(matching(search_term)) if search_term else queryset), False

    @admin.display(description=_("key"), ordering="key_prefix")
    def masked_key(self, key: ApiKey) -> SafeString:
        return format_html('<code class="masked">{}…</code>', key.key_prefix)

    @admin.display(description=_("scopes"))
    def scope_list(self, key: ApiKey) -> str:
        return ", ".join(key.scopes) or gettext("none")

    @admin.display(description=_("scopes"))
    def few_scopes(self, key: ApiKey) -> SafeString:
        more = len(key.scopes) - SHOWN_SCOPES
        words = ", ".join(key.scopes[:SHOWN_SCOPES]) or gettext("none")
        return format_html(
            '<span title="{}">{}</span>', ", ".join(key.scopes), words + (f" + {more}" if more > 0 else "")
        )

    @admin.display(description=_("attributes"))
    def attribute_list(self, key: ApiKey) -> str:
        return ", ".join(f"{name}: {value}" for name, value in key.attributes.items())

    @admin.display(description=_("status"))
    def status(self, key: ApiKey) -> SafeString:
        return said_status(key.shown_status(timezone.now()))

    @admin.display(description=_("why it was revoked"))
    def why_revoked(self, key: ApiKey) -> str:
        return why_revoked(key)

    @admin.display(description=_("last used"))
    def last_use(self, key: ApiKey) -> SafeString:
        """Return how long ago and from which address."""
        return format_html('{} <span class="quiet">{}</span>', shown_ago(key.last_used_at), key.last_used_ip)

    @admin.display(description=_("24 h"))
    def last_day(self, key: ApiKey) -> SafeString:
        return SafeString(line_of_day(key, timezone.now()))

    @admin.display(description=_("quota"))
    def quota(self, key: ApiKey) -> str:
        return left_of(key, day_of(timezone.now()))

    @admin.display(description=_("use"))
    def use(self, key: ApiKey) -> str:
        return use_in_words(key, timezone.now())

    @admin.display(description=_("expires"), ordering="expires_at")
    def expires(self, key: ApiKey) -> SafeString:
        return shown_ago(key.expires_at)

    def get_urls(self) -> list[URLPattern]:
        find = path("find/", self.admin_site.admin_view(self.find), name="apikeys_apikey_find")
        return [find, *super().get_urls()]

    def find(self, request: HttpRequest) -> HttpResponse:
        """Go to the key whose text was pasted, or to the list's results. The pasted key stays out of URLs."""
        text = request.POST.get("q", "").strip()[:LONGEST_SEARCH]
        if not self.has_view_permission(request):
            raise PermissionDenied
        if not holds_a_key(text):
            return HttpResponseRedirect(f"{reverse(LIST)}?{urlencode(_kept(request) | {'q': text})}")
        return self._go_to_pasted(request, text)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Django's, but an address that contains a key is redirected to one without it."""
        query = request.GET.get("q", "")
        if holds_a_key(query):
            return self._go_to_pasted(request, query)
        return super().changelist_view(request, extra_context)

    def _go_to_pasted(self, request: HttpRequest, text: str) -> HttpResponse:
        key = key_pasted(text, ApiKey.objects.visible_to(principal_in(request)))
        if key is None:
            messages.warning(request, gettext("No key that you may see has this text."))
            return HttpResponseRedirect(reverse(LIST))
        return HttpResponseRedirect(reverse(CHANGE, args=[key.pk]))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Django's, plus the key's events that the person may read."""
        key = self.get_object(request, unquote(object_id))
        context = {} if key is None else _told_about(request, key)
        context |= {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        caller = caller_in_admin(request)
        if quota := form.quota_changes():
            change_key_quota(caller=caller, key=obj, changes=quota)
        if changes := form.changes():
            update_api_key(caller=caller, key=obj, changes=ApiKeyChanges(**changes))

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Show the form; create the key and show it once, in the response to the form."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            check_fresh(caller_in_admin(request))
        form = NewKeyForm(principal_in(request), request.POST if request.method == "POST" else None)
        made = made_with(form, request, lambda: self._make(request, form))
        return made or self.page(
            request, "admin/apikeys/apikey/new.html", gettext("Create an API key"), form=form
        )

    def _make(self, request: HttpRequest, form: NewKeyForm) -> HttpResponse:
        """Create the key and return the page that shows it. Raises DomainError.

        The database accepts each ticket once, so a form that is sent again creates and shows nothing.
        """
        values = form.cleaned_data
        caller = caller_in_admin(request)
        try:
            key = create_api_key(
                caller=caller,
                name=values["name"],
                description=values["description"],
                metadata=values["metadata"],
                owner=values["user"] or values["organization"],
                granted=values["scopes"],
                environment=values["environment"],
                expires_at=form.expiry(caller.origin.at),
                attributes=form.attributes(),
                allowed_networks=values["allowed_networks"],
                rate_limit=values["rate_limit"],
                quota=form.new_quota(),
                uuid=values["ticket"],
            )
        except IntegrityError:
            made_before = ApiKey.objects.get(uuid=values["ticket"])
            messages.warning(
                request, gettext("This form has already created its key, which is shown only once.")
            )
            return HttpResponseRedirect(reverse(CHANGE, args=[made_before.pk]))
        return self.shown_once(request, key)


def _kept(request: HttpRequest) -> dict[str, str]:
    """Return the list's filters and order from before the search."""
    return {
        name: str(value)
        for name, value in request.POST.items()
        if name not in ("q", "p", "csrfmiddlewaretoken")
    }


def _told_about(request: HttpRequest, key: ApiKey) -> dict[str, Any]:
    now = timezone.now()
    return {
        "events": _events_about(request, key),
        "chart": chart_of_key(key, now),
        "scopes": scopes_of(key, now),
        "advice": advice_for(key, now) if key.status(now) == "active" else None,
    }


def _events_about(request: HttpRequest, key: ApiKey) -> list[Event]:
    reach = principal_in(request).reach(Capability.READ_AUDIT)
    seen = Event.objects.seen_from(everywhere=reach.everywhere, organizations=reach.organizations)
    return list(seen.filter(target_id=str(key.uuid))[:MOST_EVENTS])
