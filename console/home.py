"""Where a visit begins: `/` for people and programs, /account/ for people, and the way out."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.views import View
from django.views.generic import RedirectView

from access.backoffice.pages import page
from accounts.sessions.browser import login as browser
from config import profiles


class RootPage(View):
    """/: leads browsers to the console; tells programs where the documentation of the API is."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        if "text/html" in request.headers.get("Accept", ""):
            response: HttpResponse = HttpResponseRedirect(reverse("console"))
        else:
            response = JsonResponse(_addresses())
        response.headers["Vary"] = "Accept"
        return response


def _addresses() -> dict[str, str]:
    active, url = profiles.active(), settings.PUBLIC_URL
    return {
        "name": active.product.name,
        "api": f"{url}{active.base_path}",
        "docs": f"{url}/docs",
        "schema": f"{url}/schema",
        "console": f"{url}/account/",
    }


class HomePage(RedirectView):
    """/account/: the API keys that the person sees."""

    http_method_names = ["get", "head"]
    pattern_name = "console-keys"


class LogoutPage(View):
    """/account/logout: end this login."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        browser.end(request)
        return page(request, "account/logged_out.html")
