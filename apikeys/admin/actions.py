"""The admin's actions on keys: each asks for confirmation, then calls a service."""

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from access.backoffice.confirmation import Confirmation, ConfirmingAdmin
from access.backoffice.csv import csv_response
from access.backoffice.humanize import ago, times
from access.callers import caller_in_admin, principal_in
from access.freshness import check_fresh
from apikeys.admin.forms import RevokeForm, RotateForm
from apikeys.admin.samples import curl_line
from apikeys.advice.services import narrow_api_keys, widen_api_keys
from apikeys.attributes import in_lines
from apikeys.models import ApiKey, Outcome
from apikeys.services.api_keys import NewKey
from apikeys.services.enabling import disable_api_keys, enable_api_keys
from apikeys.services.revocation import revoke_api_keys
from apikeys.services.rotation import rotate_api_key
from config.database.rows import in_parts
from config.wire.fields import timestamp

EXPORTED = (
    "id",
    "name",
    "key_prefix",
    "owner",
    "environment",
    "scopes",
    "status",
    "created_at",
    "expires_at",
    "last_used_at",
    "last_used_ip",
    "use_count",
    "description",
    "metadata",
)


ROTATE = Confirmation(
    _("Rotate keys"),
    _("Rotate"),
    _("A new key with the same name, owner, scopes and limits will replace this key:"),
    _("key rotated"),
    _("keys rotated"),
)
DISABLE = Confirmation(
    _("Disable keys"),
    _("Disable"),
    _("These keys will stop working everywhere until somebody enables them:"),
    _("key disabled"),
    _("keys disabled"),
)
NARROW = Confirmation(
    _("Narrow keys"),
    _("Narrow"),
    _("These keys lose the scopes that they have not needed in 90 days. They can be widened for 7 days:"),
    _("key narrowed"),
    _("keys narrowed"),
)
WIDEN = Confirmation(
    _("Widen keys again"),
    _("Widen"),
    _("These keys get back the scopes that narrowing took from them:"),
    _("key widened"),
    _("keys widened"),
)
ENABLE = Confirmation(
    _("Enable keys"),
    _("Enable"),
    _("These keys will work again:"),
    _("key enabled"),
    _("keys enabled"),
)
REVOKE = Confirmation(
    _("Revoke keys"),
    _("Revoke"),
    _("These keys will stop working everywhere, for good:"),
    _("key revoked"),
    _("keys revoked"),
)


class KeyActions(ConfirmingAdmin):
    """Rotate, narrow, widen, disable, enable, revoke; and export, which changes nothing."""

    actions = ("rotate", "narrow", "widen", "disable", "enable", "revoke", "export")
    actions_of_any_size = ("export",)

    @admin.action(description=_("Rotate the selected key"), permissions=["change"])
    def rotate(self, request: HttpRequest, selected: QuerySet[ApiKey]) -> HttpResponse | None:
        """Ask how long the old key stays valid, then show the new key, once."""
        keys = list(selected[:2])
        if len(keys) != 1:
            messages.error(request, gettext("Select one key to rotate."))
            return None

        check_fresh(caller_in_admin(request))

        def do(*, selected: list[ApiKey], **values: Any) -> HttpResponse:
            caller = caller_in_admin(request)
            return self.shown_once(request, rotate_api_key(caller=caller, key=selected[0], **values))

        return self.ask(request, selected, ROTATE, do, RotateForm, expires_at=keys[0].expires_at)

    @admin.action(description=_("Narrow selected keys to the scopes that they need"), permissions=["change"])
    def narrow(self, request: HttpRequest, selected: QuerySet[ApiKey]) -> HttpResponse | None:
        """Ask for confirmation, then narrow."""
        service = partial(narrow_api_keys, caller=caller_in_admin(request))
        return self.ask(request, selected, NARROW, service)

    @admin.action(description=_("Widen selected keys again"), permissions=["change"])
    def widen(self, request: HttpRequest, selected: QuerySet[ApiKey]) -> HttpResponse | None:
        """Ask for confirmation, then widen."""
        service = partial(widen_api_keys, caller=caller_in_admin(request))
        return self.ask(request, selected, WIDEN, service)

    @admin.action(description=_("Disable selected keys"), permissions=["change"])
    def disable(self, request: HttpRequest, selected: QuerySet[ApiKey]) -> HttpResponse | None:
        """Ask for confirmation, then disable."""
        service = partial(disable_api_keys, caller=caller_in_admin(request))
        return self.ask(request, selected, DISABLE, service)

    @admin.action(description=_("Enable selected keys"), permissions=["change"])
    def enable(self, request: HttpRequest, selected: QuerySet[ApiKey]) -> HttpResponse | None:
        """Ask for confirmation, then enable."""
        check_fresh(caller_in_admin(request))
        service = partial(enable_api_keys, caller=caller_in_admin(request))
        return self.ask(request, selected, ENABLE, service)

    @admin.action(description=_("Revoke selected keys"), permissions=["change"])
    def revoke(self, request: HttpRequest, selected: QuerySet[ApiKey]) -> HttpResponse | None:
        """Ask for the reason, then revoke."""
        service = partial(revoke_api_keys, caller=caller_in_admin(request))
        return self.ask(request, selected, REVOKE, service, RevokeForm)

    @admin.action(description=_("Export selected keys as CSV"), permissions=["view"])
    def export(self, request: HttpRequest, selected: QuerySet[ApiKey]) -> HttpResponseBase:
        """Export the keys' metadata, never the keys themselves."""
        now = timezone.now()
        keys = in_parts(selected.select_related("user", "organization").prefetch_related(None))
        rows = ([said[name] for name in EXPORTED] for said in (_exported(key, now) for key in keys))
        return csv_response("api-keys.csv", EXPORTED, rows, principal_in(request).user_id)

    def in_words(self, key: ApiKey) -> str:
        """Return which key it is, and how much it is used."""
        return gettext("%(name)s (%(prefix)s…) of %(owner)s: %(use)s") % {
            "name": key.name,
            "prefix": key.key_prefix,
            "owner": key.owner,
            "use": use_in_words(key, timezone.now()),
        }

    def shown_once(self, request: HttpRequest, key: NewKey) -> HttpResponse:
        """Return the only page that shows the text of a key."""
        context = {"key": key, "curl": curl_line(key.text)}
        return self.page(request, "admin/apikeys/apikey/created.html", gettext("Copy the key now"), **context)


def use_in_words(key: ApiKey, now: Any) -> str:
    """Return "used 1,240 times in 24 h, last from 10.1.2.3 3 minutes ago; 5,000 times in all".

    The key must have been fetched with_last_day.
    """
    if key.last_used_at is None:
        return gettext("never used")
    lately = sum(use.count for use in key.last_day if use.outcome == Outcome.ALLOWED)
    return gettext("%(used)s in 24 h, last from %(address)s %(ago)s; %(times)s in all") % {
        "used": gettext("used %(times)s") % {"times": times(lately)} if lately else gettext("not used"),
        "address": key.last_used_ip or gettext("here"),
        "ago": ago(key.last_used_at, now),
        "times": times(key.use_count),
    }


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
        "description": key.description,
        "metadata": in_lines(key.metadata),
    }
