"""The end session endpoint, where clients send people to log out (OpenID Connect RP-Initiated Logout 1.0)."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from access.backoffice.errors import said_in_page
from access.backoffice.pages import page
from accounts.sessions.browser import login as browser
from accounts.sessions.browser.login import session_in
from config.wire.errors import Invalid
from oauth.pages.login import LONGEST_ADDRESS
from oauth.protocol import logout_request


class _LogoutView(View):
    """The base of both steps: a wrong request shows an error page and logs nobody out."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().dispatch(request, *args, **kwargs)
        except Invalid as error:
            return page(request, "oauth2/error.html", reason=said_in_page(error), status=400)


@method_decorator(csrf_exempt, name="dispatch")
class LogoutPage(_LogoutView):
    """Log the person out at once if a valid ID token names them; otherwise ask them first.

    A POST from the client's site has no cookie of ours, so it is redirected to a GET.
    """

    http_method_names = ["get", "head", "post"]

    def get(self, request: HttpRequest) -> HttpResponse:
        asked, session = logout_request.read(request.GET), session_in(request)
        if session is None:
            return _gone(request, asked)
        if asked.is_certain(session.user):
            _end(request, asked)
            return _gone(request, asked)
        query = urlencode(logout_request.known(request.GET))
        action = f"{reverse('oauth2-logout-answer')}?{query}"
        return page(request, "oauth2/logout.html", client=asked.client, person=session.user, action=action)

    def post(self, request: HttpRequest) -> HttpResponse:
        address = f"{request.path}?{urlencode(logout_request.known(request.POST))}"
        if len(address) > LONGEST_ADDRESS:
            raise Invalid("id_token_hint", "is too long: leave it out, and send client_id")
        answer = HttpResponseRedirect(address)
        answer.status_code = 303
        return answer


class LogoutAnswerPage(_LogoutView):
    """Takes the person's answer from the logout page, with our cookie and CSRF token."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        asked = logout_request.read(request.GET)
        _end(request, asked)
        # Not a redirect: form-action of the page with the button would block it.
        return page(request, "oauth2/logged_out.html", client=asked.client, back=asked.back)


def _end(request: HttpRequest, asked: logout_request.LogoutRequest) -> None:
    browser.end(request, client=str(asked.client.uuid) if asked.client else "")


def _gone(request: HttpRequest, asked: logout_request.LogoutRequest) -> HttpResponse:
    """Answer when nobody is logged in: redirect to the client if an ID token shows that it asked."""
    if asked.back and asked.hinted:
        return HttpResponseRedirect(asked.back)
    return page(request, "oauth2/logged_out.html", client=asked.client, back="", link=asked.back)
