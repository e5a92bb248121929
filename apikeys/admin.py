"""API keys in the admin: make one (shown once), rename, revoke. There is no delete."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from accounts.admin_site import note_denied
from accounts.callers import caller_in_admin
from accounts.names import clean_name
from apikeys.forms import NewKeyForm, RevokeForm
from apikeys.models import ApiKey
from apikeys.services.api_keys import create_api_key, rename_api_key, revoke_api_keys
from config.admin import CapabilityAdmin, add_error, principal_in
from config.errors import DomainError, NotAllowed
from config.profiles import Capability

FACTS = (
    *("masked_key", "owner", "environment", "scope_list", "status", "created_at", "expires_at"),
    *("revoked_at", "revoked_reason", "last_used_at", "last_used_ip", "use_count"),
)


class RenameForm(forms.ModelForm[ApiKey]):
    class Meta:
        model = ApiKey
        fields = ("name",)

    def clean_name(self) -> str:
        try:
            return clean_name("name", self.cleaned_data["name"])
        except DomainError as error:
            raise forms.ValidationError(error.detail) from None


@admin.register(ApiKey)
class ApiKeyAdmin(CapabilityAdmin):
    can_read = frozenset({Capability.READ_OWN_KEYS, Capability.READ_KEYS})
    can_write = frozenset({Capability.MANAGE_OWN_KEYS, Capability.MANAGE_KEYS})
    form = RenameForm
    list_display = ("name", "masked_key", "owner", "environment", "status", "last_used_at", "expires_at")
    list_filter = ("environment", ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("user", "organization")
    search_fields = ("name", "key_prefix", "user__username", "user__email", "organization__name")
    fields = ("name", *FACTS)
    readonly_fields = FACTS
    actions = ("revoke",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        return ApiKey.objects.visible_to(principal_in(request))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is None:
            return super().has_change_permission(request)
        return ApiKey.objects.manageable_by(principal_in(request)).filter(pk=obj.pk).exists()

    @admin.display(description="key", ordering="key_prefix")
    def masked_key(self, key: ApiKey) -> str:
        return f"{key.key_prefix}…"

    @admin.display(description="scopes")
    def scope_list(self, key: ApiKey) -> str:
        return ", ".join(key.scopes) or "none"

    @admin.display
    def status(self, key: ApiKey) -> str:
        return key.status(timezone.now())

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        if "name" in form.changed_data:
            rename_api_key(caller=caller_in_admin(request), key=obj, name=form.cleaned_data["name"])

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Ask what kind of key, make it, and show it once, in the answer to the form itself."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = NewKeyForm(principal_in(request), request.POST if request.method == "POST" else None)
        if form.is_valid():
            try:
                return self._make(request, form)
            except DomainError as error:
                if isinstance(error, NotAllowed):
                    note_denied(request, error)
                add_error(form, error)
        return self._page(request, "admin/apikeys/apikey/new.html", "Make an API key", form=form)

    def _make(self, request: HttpRequest, form: NewKeyForm) -> HttpResponse:
        """Make the key and return the page that shows it. Raises DomainError.

        The database takes each ticket once, so that a form that is sent again makes and shows nothing.
        """
        values = form.cleaned_data
        try:
            key = create_api_key(
                caller=caller_in_admin(request),
                name=values["name"],
                owner=values["user"] or values["organization"],
                granted=values["scopes"],
                environment=values["environment"],
                expires_at=values["expires_at"],
                uuid=values["ticket"],
            )
        except IntegrityError:
            made_before = ApiKey.objects.get(uuid=values["ticket"])
            messages.warning(request, "This form has made its key, which was shown then and is not again.")
            return HttpResponseRedirect(reverse("admin:apikeys_apikey_change", args=[made_before.pk]))
        return self._page(request, "admin/apikeys/apikey/created.html", "Copy the key now", key=key)

    @admin.action(description="Revoke selected keys", permissions=["change"])
    def revoke(self, request: HttpRequest, selected: QuerySet[ApiKey]) -> HttpResponse | None:
        """Ask for the reason, then revoke."""
        form = RevokeForm(request.POST if "reason" in request.POST else None)
        keys = list(selected.select_related("user", "organization"))
        if not form.is_valid():
            return self._page(
                request, "admin/apikeys/apikey/revoke.html", "Revoke keys", form=form, keys=keys
            )
        revoked = revoke_api_keys(
            caller=caller_in_admin(request), selected=keys, reason=form.cleaned_data["reason"]
        )
        messages.success(request, f"{revoked} of {len(keys)} keys revoked.")
        return None

    def _page(self, request: HttpRequest, template: str, title: str, **context: Any) -> HttpResponse:
        site = self.admin_site.each_context(request)
        response = TemplateResponse(request, template, {**site, "opts": self.opts, "title": title, **context})
        response.headers["Cache-Control"] = "no-store"
        return response
