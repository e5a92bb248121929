"""The login page, and the way back to the page that asked for the login."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views import View

from access.backoffice.base import add_error
from access.backoffice.errors import said_in_page
from access.backoffice.moments import said_at
from access.backoffice.pages import page
from accounts.models import Session, User
from accounts.passkeys import questions
from accounts.passkeys.questions import Browser
from accounts.passkeys.relying_party import is_here
from accounts.passkeys.verification import Answer
from accounts.sessions import services as sessions
from accounts.sessions.browser import login as browser
from accounts.sessions.browser.forms import LoginForm
from accounts.sessions.identity import SecondFactorMissing
from accounts.sessions.passkey_login import open_session_with_passkey
from audit.actors import Origin
from config import profiles
from config.wire.errors import DomainError, InvalidCredentials, RecoveryUnderWay, TotpRequired
from config.wire.problems import headers_of

WRONG = _("The name, the password or the code is wrong.")
CODE_OR_PASSKEY_MISSING = _(
    "Use your passkey. Or type your password again, and a code from your authenticator app or a recovery "
    "code."
)
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


def _explain(form: LoginForm, error: DomainError, *, has_passkeys: bool) -> None:
    """Show why the login failed; after a missing code, what to do next."""
    if isinstance(error, TotpRequired):
        form.add_error("totp_code", CODE_OR_PASSKEY_MISSING if has_passkeys else CODE_MISSING)
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
    template = "account/login.html"
    home = "console"  # name of the page after a login that no page asked for

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(request, self.form_class())

    def post(self, request: HttpRequest) -> HttpResponse:
        sent = request.POST.get("passkey", "")
        return self._answered(request, sent) if sent else self._typed(request)

    def _typed(self, request: HttpRequest) -> HttpResponse:
        form = self.form_class(request.POST)
        if not form.is_valid():
            return self._page(request, form, status=400)
        try:
            session = sessions.open_session(**form.cleaned_data, **self._circumstances(request))
        except DomainError as error:
            user = error.user if isinstance(error, SecondFactorMissing) else None
            has_passkeys = bool(user and is_here(request) and questions.passkeys_of(user))
            _explain(form, error, has_passkeys=has_passkeys)
            how: dict[str, Any] = {"status": error.status, "headers": headers_of(error)}
            return self._page(request, form, after_password=user if has_passkeys else None, **how)
        return self._begin(request, session)

    def _answered(self, request: HttpRequest, sent: str) -> HttpResponse:
        answer = Answer(sent, Browser.of(request))
        try:
            session = open_session_with_passkey(answer=answer, **self._circumstances(request))
        except DomainError as error:
            how: dict[str, Any] = {"status": error.status, "headers": headers_of(error)}
            return self._page(request, self.form_class(), alert=said_in_page(error), **how)
        return self._begin(request, session)

    def _circumstances(self, request: HttpRequest) -> dict[str, Any]:
        """Return what every way to log in is told about the request."""
        user_agent = request.headers.get("User-Agent", "")
        return {"origin": Origin.of(request), "user_agent": user_agent, "longest": browser.LONGEST}

    def _begin(self, request: HttpRequest, session: Session) -> HttpResponse:
        back = self.back()
        browser.end(request)
        browser.begin(request, session)
        return HttpResponseRedirect(back)

    def back(self) -> str:
        """Return the page of ours that asked for the login, or else `home`."""
        return page_in_next(self.request) or reverse(self.home)

    def _page(
        self, request: HttpRequest, form: LoginForm, *, after_password: User | None = None, **how: Any
    ) -> HttpResponse:
        session, login = browser.session_in(request), profiles.active().login
        return page(
            request,
            self.template,
            form=form,
            next=page_in_next(self.request),
            back=self.back(),
            person=session and session.user,
            registers=bool(login.registration_role),
            question=_question(request, after_password),
            after_password=after_password,
            **how,
        )


def _question(request: HttpRequest, after_password: User | None) -> str:
    """Return what to ask the browser's passkeys; "" at an address that they are not for."""
    if not is_here(request):
        return ""
    if after_password:
        return questions.ask_for_second_factor(request, after_password)
    return questions.ask_to_log_in(request)
