"""Errors as pages, for people with a browser. They need no database."""

import json
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from config import profiles
from config.wire.http.heads import REQUEST_ID

ABOUT_THE_BODY = {"Content-Type", "Content-Length", "Content-Encoding", "Content-Disposition"}
NOT_ACCEPTED = gettext_noop("This form was not accepted")  # its token or its origin is wrong
TITLES = {
    400: _("This request cannot be answered"),
    403: _("You cannot open this page"),
    404: _("There is no such page"),
    413: _("This is too large"),
    500: _("Something went wrong here"),
    503: _("The service cannot answer now"),
}
TEXTS = {  # by the problem's code; other problems speak for themselves
    "not_allowed": _("Your role does not allow it. If you need it, ask an administrator."),
    "not_found": _("The address may be mistyped, or what was there has been deleted."),
    "server_error": _("The error is logged. If it happens again, tell an administrator the request number."),
}


def error_page(request: HttpRequest, error: HttpResponse) -> HttpResponse:
    """Return a page that says what `error`, a problem document or an empty response, says."""
    said = json.loads(error.content or "{}")
    phrase = HTTPStatus(error.status_code).phrase
    title = TITLES.get(error.status_code, phrase)
    values = {
        "product": profiles.active().product.name,
        "title": _(NOT_ACCEPTED) if said.get("code") == "csrf_failed" else title,
        "text": TEXTS.get(said.get("code")) or said.get("detail", f"{phrase}."),
        "request_id": request.META.get(REQUEST_ID, ""),
    }
    language = getattr(request, "LANGUAGE_CODE", None) or translation.get_language_from_request(request)
    with translation.override(language):
        page = render_to_string("error.html", values)
    kept = {name: value for name, value in error.headers.items() if name not in ABOUT_THE_BODY}
    return HttpResponse(page, status=error.status_code, headers=kept)
