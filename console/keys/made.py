"""/account/keys/new, and the page that shows a new key once."""

from typing import Any

from django import forms
from django.contrib import messages
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from apikeys.admin.samples import curl_line, javascript_lines, python_lines
from apikeys.services.api_keys import NewKey, create_api_key
from console.base import ConsolePage, FormPage
from console.keys.forms import NewKeyForm
from console.keys.owners import owner_named


def shown_once(page: ConsolePage, made: NewKey, **context: Any) -> HttpResponse:
    """Return the only page that shows the text of a key, with lines that use it."""
    samples = [
        ("curl", "curl", curl_line(made.text)),
        ("python", "Python", python_lines(made.text)),
        ("javascript", "JavaScript", javascript_lines(made.text)),
    ]
    return page.page("keys/created.html", made=made, samples=samples, **context)


class NewKeyPage(FormPage):
    """Makes a key for the person, or for an organization whose keys they manage."""

    section = "keys"
    template = "keys/new.html"
    needs_fresh_login = True

    def form(self, sent: Any) -> forms.Form:
        self.asked = NewKeyForm(self.caller.principal, sent)
        return self.asked

    def act(self, values: dict[str, Any]) -> HttpResponse:
        """Create the key and show it. A form that is sent again creates and shows nothing."""
        try:
            made = create_api_key(
                caller=self.caller,
                name=values["name"],
                description=values["description"],
                metadata=values["metadata"],
                owner=owner_named(values["owner"], self.person),
                granted=self.asked.chosen_scopes(),
                environment=values["environment"],
                expires_at=self.asked.expiry(self.caller.origin.at),
                attributes=self.asked.attributes(),
                allowed_networks=values["allowed_networks"],
                rate_limit=values["rate_limit"],
                quota=self.asked.new_quota(),
                uuid=values["ticket"],
            )
        except IntegrityError:
            return _made_before(self.request, values["ticket"])
        return shown_once(self, made)


def _made_before(request: HttpRequest, ticket: Any) -> HttpResponse:
    """Lead to the key that the form has made before: the database accepts each ticket once."""
    messages.warning(request, _("This form has already created its key, which is shown only once."))
    return HttpResponseRedirect(reverse("console-key", args=[ticket]))
