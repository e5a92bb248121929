"""Pages in the language and the time zone of the person who opens them."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from accounts.models import User
from accounts.users.preferences import LANGUAGES, zone_of
from config.wire.problems import is_page

GetResponse = Callable[[HttpRequest], HttpResponse]


class PersonalPagesMiddleware:
    """Shows each page in the person's language and time zone.

    People who have chosen none, and visitors without a login, see the language of the browser and UTC.
    The API always speaks English and UTC: programs read it.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            return self.get_response(request)
        finally:
            if hasattr(request, "LANGUAGE_CODE"):
                translation.deactivate()
                timezone.deactivate()

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """Prepare the thread for a page; the pages' paths lead to some views of the API, too."""
        if is_page(request) and not is_of_api(view):
            user = getattr(request, "user", None)
            person = user if isinstance(user, User) else None
            request.LANGUAGE_CODE = language_for(person, request)
            translation.activate(request.LANGUAGE_CODE)
            timezone.activate(zone_of(person.time_zone if person else ""))


def is_of_api(view: Any) -> bool:
    """Whether the view is Django REST framework's, which leaves its class there."""
    return hasattr(view, "cls")


def language_for(person: User | None, request: HttpRequest) -> str:
    """Return the person's language, or the best one that the browser asks for (RFC 9110 section 12.5.4)."""
    chosen = person.language if person else ""
    return chosen if chosen in LANGUAGES else translation.get_language_from_request(request)
