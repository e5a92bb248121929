"""/device: people type the code that a device shows, and allow or deny what it asks for (RFC 8628)."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.backoffice.base import add_error
from access.freshness import check_fresh_for
from accounts.sessions.browser.login_page import login_page
from config.wire.errors import Invalid, TooManyAttempts
from config.wire.http.client_ip import network_of
from config.wire.problems import headers_of
from console.base import ConsolePage
from oauth.models import DeviceCode
from oauth.protocol import user_codes
from oauth.protocol.scopes import catalogue
from oauth.services import devices


class UserCodeForm(forms.Form):
    """The code that the device shows."""

    user_code = forms.CharField(
        max_length=user_codes.LONGEST,
        label=gettext_lazy("Code"),
        help_text=gettext_lazy("Eight letters, for example WDJB-MJHT."),
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "autocapitalize": "characters",
                "spellcheck": "false",
                "autofocus": True,
            }
        ),
    )


class DevicePage(ConsolePage):
    """Type the code; then see what is asked and from where, and answer.

    The code is in the address, so that it survives a login or a new proof in between.
    """

    section = "applications"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._about(self._ask)

    def post(self, request: HttpRequest) -> HttpResponse:
        return self._about(self._answer)

    def _about(self, show: Callable[[DeviceCode, list[str]], HttpResponse]) -> HttpResponse:
        """Show something about the device with the code in the address; without one, the form for the code.

        Raises FreshProofRequired if what the person could grant needs a newer login.
        """
        given, origin = self.request.GET, self.caller.origin
        form = UserCodeForm(given if "user_code" in given else None)
        if not form.is_valid():
            return self._entry(form, status=400 if form.is_bound else 200)
        try:
            device = devices.find(caller=self.caller, person=self.person, **form.cleaned_data)
            scopes = devices.scopes_for(device, self.caller.principal)
            check_fresh_for(scopes, proven_at=self.session.proven_at, now=origin.at)
            return show(device, scopes)
        except (Invalid, TooManyAttempts) as error:
            add_error(form, error)
            return self._entry(form, status=error.status, headers=headers_of(error))

    def _entry(self, form: UserCodeForm, **how: Any) -> HttpResponse:
        return self.page("device_code.html", form=form, **how)

    def _ask(self, device: DeviceCode, scopes: list[str]) -> HttpResponse:
        words, address = catalogue(), self.request.get_full_path()
        return self.page(
            "device.html",
            device=device,
            code=user_codes.shown(user_codes.read(self.request.GET["user_code"]) or ""),
            scopes=[(scope, words[scope]) for scope in scopes],
            is_here=device.network == network_of(self.caller.origin.ip),
            address=address,
            again=login_page(address),
        )

    def _answer(self, device: DeviceCode, scopes: list[str]) -> HttpResponse:
        client = {"client": device.client}
        if self.request.POST.get("answer") != "allow" or not scopes:
            devices.deny(caller=self.caller, device=device)
            return self.done(_("You did not allow %(client)s.") % client, "console-applications")
        devices.allow(session=self.session, device=device, scopes=scopes, origin=self.caller.origin)
        text = _("You allowed %(client)s. Go back to your device.") % client
        return self.done(text, "console-applications")
