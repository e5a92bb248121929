"""/account/keys/<uuid>: one key, and what one can do with it."""

from copy import copy
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.backoffice.base import STATUSES
from access.backoffice.confirmation import ConfirmForm
from access.principals import Principal
from apikeys.admin.forms import KeyForm, RevokeForm, RotateForm
from apikeys.admin.usage_charts import scopes_of
from apikeys.advice.services import REGRET, may_widen
from apikeys.advice.unneeded import advice_for
from apikeys.changes import ApiKeyChanges
from apikeys.made_through import why_revoked
from apikeys.models import ApiKey
from apikeys.quotas.periods import day_of
from apikeys.quotas.words import left_of
from apikeys.services.api_keys import update_api_key
from apikeys.services.enabling import disable_api_keys, enable_api_keys
from apikeys.services.revocation import revoke_api_keys
from apikeys.services.rotation import rotate_api_key
from config import profiles
from config.wire.errors import NotFound
from config.wire.ids import NO_SUCH_ID
from console.base import ConsolePage, FormPage
from console.keys.made import shown_once
from console.keys.usage import chart_of_month, last_day


class OfOneKey(ConsolePage):
    """A page about the key in its path."""

    section = "keys"

    @cached_property
    def key(self) -> ApiKey:
        """The key, if the person sees it. Raises NotFound."""
        visible = ApiKey.objects.visible_to(self.caller.principal).with_last_day(self.now)
        found = visible.select_related("user", "organization", "created_by", "predecessor", "open_rotation")
        key = found.filter(uuid=self.kwargs["uuid"]).first()
        if key is None:
            raise NotFound(NO_SUCH_ID)
        return key

    @property
    def now(self) -> datetime:
        return self.caller.origin.at

    def facts(self) -> dict[str, Any]:
        """What each page about a key says of it."""
        status = self.key.shown_status(self.now)
        return {
            "key": self.key,
            "status_of_key": status,
            "status_in_words": STATUSES[status],
            "last_day": last_day(self.key),
        }

    def is_managed_by(self, who: Principal) -> bool:
        """Whether they may change the key. One query."""
        return ApiKey.objects.manageable_by(who).filter(pk=self.key.pk).exists()


class KeyPage(OfOneKey):
    """The key, how it is used, and the ways to change it."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest, **_: Any) -> HttpResponse:
        key = self.key
        return self.page(
            "keys/key.html",
            scopes=scopes_of(key, self.now),
            advice=advice_for(key, self.now) if key.status(self.now) == "active" else None,
            regret_until=key.narrowed_at + REGRET if key.narrowed_at and may_widen(key, self.now) else None,
            chart=chart_of_month(key, self.now),
            why_revoked=why_revoked(key),
            quota=left_of(key, day_of(self.now)),
            shared_quota=left_of(key.organization, day_of(self.now)) if key.organization else "",
            has_ended=key.status(self.now) in ("revoked", "expired"),
            has_environments=len(profiles.active().keys.environments) > 1,
            quiet_hours=profiles.active().rotation.quiet_hours,
            may_manage=self.is_managed_by(self.caller.principal),
            **self.facts(),
        )


class ChangePage(OfOneKey, FormPage):
    """A page that asks before it changes the key. It says what will happen, in `words`."""

    template = "keys/change.html"
    title: ClassVar[Promise]
    words: ClassVar[Promise]
    button: ClassVar[Promise]
    ends: ClassVar[bool] = False  # whether something stops working

    def get(self, request: HttpRequest, **how: Any) -> HttpResponse:
        self.caller.principal.require(self.is_managed_by, "You may not manage this key.")
        return super().get(request, **how)

    def context(self) -> dict[str, Any]:
        named = ("title", "words", "button", "ends")
        return {**self.facts(), **{name: getattr(self, name) for name in named}}

    def said(self, text: str) -> HttpResponse:
        """Lead to the page of the key, which says `text`."""
        return self.done(text, "console-key", self.key.uuid)


class EditKeyPage(ChangePage):
    """Changes the name and the limits of a key."""

    title = gettext_lazy("Change the key")
    words = gettext_lazy("Other networks and another rate limit apply to the next request with the key.")
    button = gettext_lazy("Save")

    def form(self, sent: Any) -> forms.Form:
        self.asked = KeyForm(sent, instance=copy(self.key))  # the form writes to its row
        return self.asked

    def act(self, values: dict[str, Any]) -> HttpResponse:
        if changes := self.asked.changes():
            update_api_key(caller=self.caller, key=self.key, changes=ApiKeyChanges(**changes))
        return self.said(_("The key is saved."))


class RotateKeyPage(ChangePage):
    """Replaces a key by a new one, which is shown once."""

    title = gettext_lazy("Rotate the key")
    words = gettext_lazy(
        "A new key with the same name, owner, scopes and limits replaces this one. Programs with the old key "
        "stop working when the overlap ends."
    )
    button = gettext_lazy("Rotate")
    needs_fresh_login = True
    ends = True

    def form(self, sent: Any) -> forms.Form:
        return RotateForm(sent, initial={"expires_at": self.key.expires_at})

    def act(self, values: dict[str, Any]) -> HttpResponse:
        made = rotate_api_key(
            caller=self.caller,
            key=self.key,
            overlap=values["overlap"],
            expires_at=values["expires_at"],
            when_quiet=values.get("when_quiet", False),
        )
        return shown_once(self, made, ends_at=made.predecessor_ends_at, has_overlap=bool(values["overlap"]))


class DisableKeyPage(ChangePage):
    """Stops a key until somebody enables it."""

    title = gettext_lazy("Disable the key")
    words = gettext_lazy("Programs with this key stop working until somebody enables it.")
    button = gettext_lazy("Disable")
    ends = True
    form_class = ConfirmForm

    def act(self, values: dict[str, Any]) -> HttpResponse:
        disable_api_keys(caller=self.caller, selected=[self.key])
        return self.said(_("The key is disabled."))


class EnableKeyPage(ChangePage):
    """Lets a disabled key work again."""

    title = gettext_lazy("Enable the key")
    words = gettext_lazy("Programs with this key work again.")
    button = gettext_lazy("Enable")
    needs_fresh_login = True
    form_class = ConfirmForm

    def act(self, values: dict[str, Any]) -> HttpResponse:
        enable_api_keys(caller=self.caller, selected=[self.key])
        return self.said(_("The key is enabled."))


class RevokeKeyPage(ChangePage):
    """Ends a key for good."""

    title = gettext_lazy("Revoke the key")
    words = gettext_lazy("Programs with this key stop working, for good.")
    button = gettext_lazy("Revoke")
    ends = True
    form_class = RevokeForm

    def act(self, values: dict[str, Any]) -> HttpResponse:
        revoke_api_keys(caller=self.caller, selected=[self.key], reason=values["reason"])
        return self.said(_("The key is revoked."))
