"""What can be done with keys in the admin: each asks first, then calls a service."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone

from accounts.callers import caller_in_admin
from accounts.principals import Caller
from apikeys.curl import curl_line
from apikeys.forms import ConfirmForm, RevokeForm, RotateForm
from apikeys.models import ApiKey, Outcome
from apikeys.services.api_keys import NewKey, revoke_api_keys
from apikeys.services.rotation import rotate_api_key
from apikeys.services.switching import disable_api_keys, enable_api_keys
from config.admin import CapabilityAdmin, add_error
from config.errors import Invalid
from config.exports import csv_response
from config.wire import timestamp
from config.words import ago, times

MOST_AT_ONCE = 500
CHUNK = 2_000
EXPORTED = (
    *("id", "name", "key_prefix", "owner", "environment", "scopes", "status"),
    *("created_at", "expires_at", "last_used_at", "last_used_ip", "use_count"),
)


class KeyActions(CapabilityAdmin):
    """Rotate, disable, enable, revoke; and export, which changes nothing."""

    actions = ("rotate", "disable", "enable", "revoke", "export")

    @admin.action(description="Rotate the selected key", permissions=["change"])
    def rotate(self, request: HttpRequest, selected: QuerySet[ApiKey]) -> HttpResponse | None:
        """Ask for how long both are good, then show the new key, once."""
        keys = _rows(request, selected)
        if len(keys) != 1:
            messages.error(request, "Select one key to rotate.")
            return None
        form = RotateForm(_confirmation(request), initial={"expires_at": keys[0].expires_at})
        if form.is_valid():
            values = {name: form.cleaned_data[name] for name in ("overlap", "expires_at")}
            try:
                return self.shown_once(
                    request, rotate_api_key(caller=caller_in_admin(request), key=keys[0], **values)
                )
            except Invalid as error:
                add_error(form, error)
        words = "A successor with the same name, owner, scopes and limits takes the place of this key:"
        return self._confirm(request, "rotate", words, form, keys)

    @admin.action(description="Disable selected keys", permissions=["change"])
    def disable(self, request: HttpRequest, selected: QuerySet[ApiKey]) -> HttpResponse | None:
        """Ask whether that is meant, then disable."""
        words = "These keys will be refused from now on, everywhere, until somebody enables them:"
        return self._switch(request, selected, "disable", words, disable_api_keys)

    @admin.action(description="Enable selected keys", permissions=["change"])
    def enable(self, request: HttpRequest, selected: QuerySet[ApiKey]) -> HttpResponse | None:
        """Ask whether that is meant, then enable."""
        words = "These keys will be taken again from now on:"
        return self._switch(request, selected, "enable", words, enable_api_keys)

    @admin.action(description="Revoke selected keys", permissions=["change"])
    def revoke(self, request: HttpRequest, selected: QuerySet[ApiKey]) -> HttpResponse | None:
        """Ask for the reason, then revoke."""
        words = "These keys will be refused from now on, everywhere and for good:"
        form = RevokeForm(_confirmation(request))
        return self._switch(request, selected, "revoke", words, revoke_api_keys, form)

    @admin.action(description="Export selected keys as CSV", permissions=["view"])
    def export(self, request: HttpRequest, selected: QuerySet[ApiKey]) -> HttpResponseBase:
        """Facts of the keys, never their texts."""
        now = timezone.now()
        rows = selected.select_related("user", "organization").prefetch_related(None)
        return csv_response(
            "api-keys.csv",
            EXPORTED,
            ([_exported(key, now)[n] for n in EXPORTED] for key in rows.iterator(chunk_size=CHUNK)),
        )

    def _switch(
        self,
        request: HttpRequest,
        selected: QuerySet[ApiKey],
        action: str,
        words: str,
        service: Callable[..., int],
        form: ConfirmForm | None = None,
    ) -> HttpResponse | None:
        """Ask, and once that is answered let the service do it; what else the form holds goes to it."""
        keys, form = _rows(request, selected), form or ConfirmForm(_confirmation(request))
        if not keys:
            return None
        if not form.is_valid():
            return self._confirm(request, action, words, form, keys)
        values = {name: value for name, value in form.cleaned_data.items() if name != "confirmed"}
        caller: Caller = caller_in_admin(request)
        done = service(caller=caller, selected=keys, **values)
        messages.success(request, f"{done} of {len(keys)} keys {action}d.")
        return None

    def _confirm(
        self, request: HttpRequest, action: str, words: str, form: ConfirmForm, keys: list[ApiKey]
    ) -> HttpResponse:
        """The page that names the keys, how much they are used and what becomes of them."""
        now = timezone.now()
        return self.page(
            request,
            "admin/apikeys/apikey/confirm.html",
            f"{action.capitalize()} keys",
            action=action,
            words=words,
            form=form,
            keys=[(key, use_in_words(key, now)) for key in keys],
        )

    def shown_once(self, request: HttpRequest, key: NewKey) -> HttpResponse:
        """The only page that holds the text of a key."""
        context = {"key": key, "curl": curl_line(key.text)}
        return self.page(request, "admin/apikeys/apikey/created.html", "Copy the key now", **context)

    def page(self, request: HttpRequest, template: str, title: str, **context: Any) -> HttpResponse:
        site = self.admin_site.each_context(request)
        response = TemplateResponse(request, template, {**site, "opts": self.opts, "title": title, **context})
        response.headers["Cache-Control"] = "no-store"
        return response


def use_in_words(key: ApiKey, now: Any) -> str:
    """Return "used 1,240 times in 24 h, last from 10.1.2.3 3 minutes ago; 5,000 times in all".

    The key was fetched with_last_day.
    """
    if key.last_used_at is None:
        return "never used"
    lately = sum(use.count for use in key.last_day if use.outcome == Outcome.ALLOWED)
    last = f"last from {key.last_used_ip or 'here'} {ago(key.last_used_at, now)}"
    used = f"used {times(lately)}" if lately else "not used"
    return f"{used} in 24 h, {last}; {times(key.use_count)} in all"


def _exported(key: ApiKey, now: Any) -> dict[str, Any]:
    moments = {name: getattr(key, name) for name in ("created_at", "expires_at", "last_used_at")}
    return {
        **{name: getattr(key, name) for name in ("name", "key_prefix", "owner", "environment")},
        **{name: moment and timestamp(moment) for name, moment in moments.items()},
        "id": key.uuid,
        "scopes": " ".join(key.scopes),
        "status": key.shown_status(now),
        "last_used_ip": key.last_used_ip,
        "use_count": key.use_count,
    }


def _rows(request: HttpRequest, selected: QuerySet[ApiKey]) -> list[ApiKey]:
    """The selected keys; none, and a message, if that are more than anybody can look through."""
    rows = list(selected.select_related("user", "organization")[: MOST_AT_ONCE + 1])
    if len(rows) > MOST_AT_ONCE:
        messages.error(request, f"Select at most {MOST_AT_ONCE} keys. Nothing was done.")
        return []
    return rows


def _confirmation(request: HttpRequest) -> Any:
    """What the confirming page sent, None if it has not been shown yet."""
    return request.POST if "confirmed" in request.POST else None
