"""/unsubscribe: end the mails about API keys, for people and for mail programs."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import FormView

from access.backoffice.base import add_error
from accounts.mail.link_pages import MailedTokenForm
from accounts.notifications.unsubscribe import unsubscribe
from audit.actors import Origin
from config import profiles
from config.wire.errors import DomainError

WORDS = {
    "title": _("Turn off mails about API keys"),
    "text": _(
        "You get no more mails about keys that expire or are not used. Security mails go on: a key is used "
        "from a new network, or was found where others can read it."
    ),
    "button": _("Turn off"),
    "done": _("The mails are turned off. You can turn them on again in your profile."),
}


@method_decorator(csrf_exempt, name="dispatch")
class UnsubscribePage(FormView[MailedTokenForm]):
    """A GET shows a button, because programs follow links. A POST acts on the signed token alone.

    A mail program posts to the link without cookies, so there is no CSRF token (RFC 8058 section 3.2).
    """

    http_method_names = ["get", "head", "post"]
    template_name = "mailed_link.html"
    form_class = MailedTokenForm

    def get_initial(self) -> dict[str, str]:
        return {"token": self.request.GET.get("token", "")}

    def get_form_kwargs(self) -> dict[str, Any]:
        """Take the token from the link if the body has none."""
        given = super().get_form_kwargs()
        if self.request.method == "POST" and "token" not in self.request.POST:
            given["data"] = self.get_initial()
        return given

    def form_valid(self, form: MailedTokenForm) -> HttpResponse:
        try:
            unsubscribe(token=form.cleaned_data["token"], origin=Origin.of(self.request))
        except DomainError as error:
            add_error(form, error)
            return self.form_invalid(form)
        return self.render_to_response(self.get_context_data(form=None))

    def form_invalid(self, form: MailedTokenForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=400)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(product=profiles.active().product.name, **WORDS, **kwargs)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Answer, and keep the page's address, which contains the token, from other sites."""
        response = super().dispatch(request, *args, **kwargs)
        response.headers["Referrer-Policy"] = "no-referrer"
        return response
