"""/account/keys/<uuid>/narrow and /widen: a key gives up scopes that it does not need, or regains them."""

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.backoffice.confirmation import ConfirmForm
from apikeys.advice.services import narrow_api_keys, widen_api_keys
from apikeys.advice.unneeded import advice_for
from console.keys.one import ChangePage


class NarrowKeyPage(ChangePage):
    """Takes from a key the scopes that it could do without."""

    title = gettext_lazy("Narrow the key")
    words = gettext_lazy("The key needs all its scopes. Nothing changes.")
    button = gettext_lazy("Narrow")
    form_class = ConfirmForm

    def context(self) -> dict[str, Any]:
        advice = advice_for(self.key, self.now)
        if advice is None:
            return super().context()
        words = _(
            "The key loses %(unneeded)s, and keeps: %(kept)s. If a program stops working, the key can get "
            "its scopes back for 7 days."
        )
        kept = ", ".join(advice.kept) or _("no scope")
        said = {"unneeded": ", ".join(advice.unneeded), "kept": kept}
        return {**super().context(), "words": words % said}

    def act(self, values: dict[str, Any]) -> HttpResponse:
        narrow_api_keys(caller=self.caller, selected=[self.key])
        return self.said(_("The key has the scopes that it needs."))


class WidenKeyPage(ChangePage):
    """Gives a key back what narrowing took from it."""

    title = gettext_lazy("Widen the key again")
    words = gettext_lazy("The key gets back the scopes that it had before it was narrowed.")
    button = gettext_lazy("Widen")
    needs_fresh_login = True
    form_class = ConfirmForm

    def act(self, values: dict[str, Any]) -> HttpResponse:
        widen_api_keys(caller=self.caller, selected=[self.key])
        return self.said(_("The key has its scopes again."))
