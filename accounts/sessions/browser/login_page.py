"""The login page, and the way back to the page that asked for the login."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views import View

from access.backoffice.base import add_error
from access.backoffice.moments import said_at
from access.backoffice.pages import page
from accounts.sessions import services as sessions
from accounts.sessions.browser import login as browser
from accounts.sessions.browser.forms import LoginForm
from audit.actors import Origin
from config import profiles
from config.wire.errors import DomainError, InvalidCredentials, RecoveryUnderWay, TotpRequired
from config.wire.problems import headers_of

WRONG = _("The name, the password or the code is wrong.")
CODE_MISSING = _(
    "Type your password again, and the current code from your authenticator app or a recovery code."
)


def login_page(back: str, name: str = "login-page") -> str:
    """Return the address of the login page called `name`, which afterwards redirects to `back`."""
    return f"{reverse(name)}?{urlencode({'next': back})}"


def page_in_next(request: HttpRequest) -> str:
    """Return the address in `next` if it is on this site, else ""."""
    wanted = request.POST.get("next") or request.GET.get("next", "")
    is_ours = wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, None)
    return wanted if is_ours else ""


def _explain(form: LoginForm, error: DomainError) -> None:
    """Show why the login failed; after a missing code, what to type next."""
    if isinstance(error, TotpRequired):
        form.add_error("totp_code", CODE_MISSING)
    elif isinstance(error, InvalidCredentials):
        form.add_error(None, WRONG)
    elif isinstance(error, RecoveryUnderWay):
        add_error(form, RecoveryUnderWay(error.ends_at, said_at(error.ends_at)))
    else:
        add_error(form, error)


class LoginPage(View):
    """Log in, and return to the page that asked for the login."""

    http_method_names = ["get", "head", "post"]
    form_class = LoginForm
    home = "console"  # name of the page after a login that no page asked for

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(request, self.form_class())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = self.form_class(request.POST)
        if not form.is_valid():
            return self._page(request, form, status=400)
        try:
            session = sessions.open_session(
                **form.cleaned_data,
                origin=Origin.of(request),
                user_agent=request.headers.get("User-Agent", ""),
                longest=browser.LONGEST,
            )
        except DomainError as error:
            _explain(form, error)
            return self._page(request, form, status=error.status, headers=headers_of(error))
        back = self.back()
        browser.end(request)
        browser.begin(request, session)
        return HttpResponseRedirect(back)

    def back(self) -> str:
        """Return the page of ours that asked for the login, or else `home`."""
        return page_in_next(self.request) or reverse(self.home)

    def _page(self, request: HttpRequest, form: LoginForm, **how: Any) -> HttpResponse:
        session, login = browser.session_in(request), profiles.active().login
        return page(
            request,
            "account/login.html",
            form=form,
            next=page_in_next(self.request),
            person=session and session.user,
            registers=bool(login.registration_role),
            **how,
        )
