"""/account/security: what protects the account, with links to what changes it, and the last logins."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from access.backoffice.humanize import program
from accounts.models import Passkey, RecoveryCode, SecondFactor
from accounts.passkeys.relying_party import is_here, relying_party, why_none
from accounts.second_factor.totp import RECOVERY_CODES
from accounts.sessions.history import PastLogin, last_logins
from console.base import ConsolePage

REFUSED: Mapping[str, Promise] = {  # by the reason in the audit log
    "wrong password": _("wrong password"),
    "inactive": _("the account was deactivated"),
    "no code": _("right password, no code"),
    "wrong code": _("right password, wrong code"),
    "second factor is being removed": _("right password, while the second factor was being removed"),
    "wrong passkey": _("wrong passkey"),
    "passkey of somebody else": _("passkey of another account"),
    "passkey without user verification": _("passkey without PIN, fingerprint or face"),
    "counter of the passkey went back": _("passkey that may be a copy"),
    "passkey was just removed": _("passkey that was just removed"),
    "changed meanwhile": _("the account was changed at that moment"),
}


class Shown(NamedTuple):
    """A login, the program that it came from, and why it was refused."""

    login: PastLogin
    program: str
    reason: str | Promise


class SecurityPage(ConsolePage):
    """The state of the person's password, app, passkeys and recovery codes, and their last logins."""

    http_method_names = ["get", "head"]
    section = "security"

    def get(self, request: HttpRequest) -> HttpResponse:
        device = SecondFactor.objects.filter(user=self.person).first()
        party, why = relying_party(), why_none()
        return self.page(
            "security/overview.html",
            device=device,
            passkeys=Passkey.objects.filter(second_factor=device) if device else (),
            host=party.id,
            why_no_passkeys=gettext(why) if why else "",
            elsewhere="" if why or is_here(request) else f"{party.origin}{request.path}",
            elsewhere_host=urlsplit(party.origin).netloc,
            left=RecoveryCode.objects.filter(user=self.person).count(),
            made=RECOVERY_CODES,
            logins=[_shown(each) for each in last_logins(self.person)],
        )


def _shown(login: PastLogin) -> Shown:
    named = program(login.user_agent) if login.user_agent else ""
    return Shown(login, named, REFUSED.get(login.reason, login.reason))
