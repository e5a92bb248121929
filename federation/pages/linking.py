"""The page on which a person whom a provider vouches for logs in to the account that they already have."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts.models import Session
from accounts.sessions import services as sessions
from accounts.sessions.browser import login as browser
from accounts.sessions.browser.login_page import LoginPage, login_page
from audit.actors import Origin
from config.wire.errors import DomainError
from federation.pages.entry import refused
from federation.pages.memory import back_in, vouched_in
from federation.services.logging_in import link, organization_that


class LinkPage(LoginPage):
    """Log in with the account's own password, second factor or passkey; that links it with the identity."""

    template = "account/organization_link.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        self.wanted = back_in(request)
        vouched = vouched_in(request, int(Origin.of(request).at.timestamp()))
        if vouched is None:
            name = "organization-login-page"
            return HttpResponseRedirect(login_page(self.wanted, name) if self.wanted else reverse(name))
        self.vouched = vouched
        return super().dispatch(request, *args, **kwargs)

    def _circumstances(self, request: HttpRequest) -> dict[str, Any]:
        return {**super()._circumstances(request), "vouched_by": organization_that(self.vouched)}

    def back(self) -> str:
        return self.wanted or reverse(self.home)

    def _begin(self, request: HttpRequest, session: Session) -> HttpResponse:
        try:
            link(vouched=self.vouched, session=session, origin=Origin.of(request))
        except DomainError as error:
            sessions.log_out(caller=browser.caller_in(request, session))
            return refused(request, error, self.wanted)
        return super()._begin(request, session)
