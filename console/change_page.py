"""A page for one change to one's own account: what happens, a form that proves who one is, one button."""

from typing import Any, ClassVar

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from accounts.sessions.browser.login_page import page_in_next
from config import profiles
from console.base import FormPage


class ChangePage(FormPage):
    """The words and the form of one change. `next` is the page that asked for it, else it is `home`."""

    template = "form.html"
    home: ClassVar[str]
    title: ClassVar[Promise]
    text: ClassVar[str | Promise]
    button: ClassVar[Promise]
    button_class: ClassVar[str] = ""
    ends_access: ClassVar[bool] = False  # whether other logins and consents end

    def context(self) -> dict[str, Any]:
        asked = page_in_next(self.request)
        return {
            **{name: getattr(self, name) for name in ("title", "text", "button", "button_class")},
            "ended": _ended() if self.ends_access else "",
            "next": asked,
            "back": asked or reverse(self.home),
        }


def _ended() -> str:
    """Return what ends besides this login, as far as this profile has it."""
    if profiles.active().oauth2 is None:
        return _("You are logged out everywhere else. Your API keys go on working.")
    return _(
        "You are logged out everywhere else, and connected applications lose access to your account. "
        "Your API keys go on working."
    )
