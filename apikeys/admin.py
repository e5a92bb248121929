"""API keys in the admin: make one (shown once), change, rotate, disable, revoke. There is no delete."""

from typing import Any

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
from apikeys.forms import ConfirmForm, KeyForm, NewKeyForm, RevokeForm, RotateForm
from apikeys.models import ApiKey
from apikeys.services.api_keys import create_api_key, revoke_api_keys, update_api_key
from apikeys.services.rotation import rotate_api_key
from apikeys.services.switching import disable_api_keys, enable_api_keys
from config.admin import CapabilityAdmin, add_error, principal_in
from config.errors import DomainError, Invalid, NotAllowed
from config.profiles import Capability

CREATED_PAGE = "admin/apikeys/apikey/created.html"
FACTS = (
    *("masked_key", "owner", "environment", "scope_list", "status", "created_at", "expires_at"),
    *("disabled_at", "revoked_at", "revoked_reason", "last_used_at", "last_used_ip", "use_count"),
)


@admin.register(ApiKey)
class ApiKeyAdmin(CapabilityAdmin):
    can_read = frozenset({Capability.READ_OWN_KEYS, Capability.READ_KEYS})
    can_write = frozenset({Capability.MANAGE_OWN_KEYS, Capability.MANAGE_KEYS})
    form = KeyForm
    list_display = ("name", "masked_key", "owner", "environment", "status", "last_used_at", "expires_at")
    list_filter = (
        "environment",
        ("revoked_at", admin.EmptyFieldListFilter),
        ("disabled_at", admin.EmptyFieldListFilter),
    )
    list_select_related = ("user", "organization")
    search_fields = ("name", "key_prefix", "user__username", "user__email", "organization__name")
    fields = ("name", "allowed_networks", "rate_limit", *FACTS)
    readonly_fields = FACTS
    actions = ("rotate", "disable", "enable", "revoke")

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
        changes = {member: form.cleaned_data[member] for member in form.changed_data}
        if changes:
            update_api_key(caller=caller_in_admin(request), key=obj, changes=changes)

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
                allowed_networks=values["allowed_networks"],
                rate_limit=values["rate_limit"],
                uuid=values["ticket"],
            )
        except IntegrityError:
            made_before = ApiKey.objects.get(uuid=values["ticket"])
            messages.warning(request, "This form has made its key, which was shown then and is not again.")
            return HttpResponseRedirect(reverse("admin:apikeys_apikey_change", args=[made_before.pk]))
        return self._page(request, CREATED_PAGE, "Copy the key now", key=key)

    @admin.action(description="Rotate the selected key", permissions=["change"])
    def rotate(self, request: HttpRequest, selected: QuerySet[ApiKey]) -> HttpResponse | None:
        """Ask for how long both are good, then show the new key, once."""
        keys = _rows(selected)
        if len(keys) != 1:
            messages.error(request, "Select one key to rotate.")
            return None
        form = RotateForm(_confirmation(request), initial={"expires_at": keys[0].expires_at})
        if form.is_valid():
            values = {name: form.cleaned_data[name] for name in ("overlap", "expires_at")}
            try:
                new = rotate_api_key(caller=caller_in_admin(request), key=keys[0], **values)
                return self._page(request, CREATED_PAGE, "Copy the key now", key=new)
            except Invalid as error:
                add_error(form, error)
        words = "A successor with the same name, owner, scopes and limits takes the place of this key:"
        return self._confirm(request, "rotate", words, form, keys)

    @admin.action(description="Disable selected keys", permissions=["change"])
    def disable(self, request: HttpRequest, selected: QuerySet[ApiKey]) -> HttpResponse | None:
        """Ask whether that is meant, then disable."""
        keys, form = _rows(selected), ConfirmForm(_confirmation(request))
        if not form.is_valid():
            words = "These keys will be refused from now on, everywhere, until somebody enables them:"
            return self._confirm(request, "disable", words, form, keys)
        disabled = disable_api_keys(caller=caller_in_admin(request), selected=keys)
        messages.success(request, f"{disabled} of {len(keys)} keys disabled.")
        return None

    @admin.action(description="Enable selected keys", permissions=["change"])
    def enable(self, request: HttpRequest, selected: QuerySet[ApiKey]) -> HttpResponse | None:
        """Ask whether that is meant, then enable."""
        keys, form = _rows(selected), ConfirmForm(_confirmation(request))
        if not form.is_valid():
            return self._confirm(request, "enable", "These keys will be taken again from now on:", form, keys)
        enabled = enable_api_keys(caller=caller_in_admin(request), selected=keys)
        messages.success(request, f"{enabled} of {len(keys)} keys enabled.")
        return None

    @admin.action(description="Revoke selected keys", permissions=["change"])
    def revoke(self, request: HttpRequest, selected: QuerySet[ApiKey]) -> HttpResponse | None:
        """Ask for the reason, then revoke."""
        keys, form = _rows(selected), RevokeForm(_confirmation(request))
        if not form.is_valid():
            words = "These keys will be refused from now on, everywhere and for good:"
            return self._confirm(request, "revoke", words, form, keys)
        revoked = revoke_api_keys(
            caller=caller_in_admin(request), selected=keys, reason=form.cleaned_data["reason"]
        )
        messages.success(request, f"{revoked} of {len(keys)} keys revoked.")
        return None

    def _confirm(
        self, request: HttpRequest, action: str, words: str, form: ConfirmForm, keys: list[ApiKey]
    ) -> HttpResponse:
        """The page that names the keys and what becomes of them; its button does `action`."""
        title = f"{action.capitalize()} keys"
        return self._page(
            request,
            "admin/apikeys/apikey/confirm.html",
            title,
            action=action,
            words=words,
            form=form,
            keys=keys,
        )

    def _page(self, request: HttpRequest, template: str, title: str, **context: Any) -> HttpResponse:
        site = self.admin_site.each_context(request)
        response = TemplateResponse(request, template, {**site, "opts": self.opts, "title": title, **context})
        response.headers["Cache-Control"] = "no-store"
        return response


def _rows(selected: QuerySet[ApiKey]) -> list[ApiKey]:
    return list(selected.select_related("user", "organization"))


def _confirmation(request: HttpRequest) -> Any:
    """What the confirming page sent, None if it has not been shown yet."""
    return request.POST if "confirmed" in request.POST else None
