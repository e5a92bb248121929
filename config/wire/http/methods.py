"""Which methods each address takes (RFC 9110 sections 9.3.7 and 15.5.6): OPTIONS says so, the others are 405.

It is decided from the URL and before anybody is asked who they are, so it tells everybody the same and
nothing about what is there. /gateway/check is not concerned: there the method is that of the request a
proxy asks about, and an answer of 2xx to its OPTIONS would let the request through.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse

from config.wire.problems import problem_response

View = TypeVar("View", bound=Callable[..., Any])

ALL = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
PAGE = frozenset({"GET", "POST"})  # the most that a page takes: browsers and forms send nothing else
FILE = frozenset({"GET", "HEAD", "OPTIONS"})


def takes(*methods: str) -> Callable[[View], View]:
    """Declare the methods of a view that is a function; one that declares none is taken for a page."""

    def declare(view: View) -> View:
        view.methods = frozenset(methods)  # type: ignore[attr-defined]
        return view

    return declare


@lru_cache(maxsize=1024)
def methods_of(view: Callable[..., Any]) -> frozenset[str]:
    """Return the methods that a view takes, with HEAD wherever there is GET, and OPTIONS."""
    found = getattr(view, "methods", None) or _handled(view)
    return found | {"OPTIONS"} | ({"HEAD"} if "GET" in found else set())


def _handled(view: Any) -> frozenset[str]:
    """The methods for which the class behind a view has a handler: DRF's, or Django's."""
    if hasattr(view, "cls"):
        handlers = getattr(view, "actions", None) or dir(view.cls)
        return frozenset(name.upper() for name in view.cls.http_method_names if name in handlers)
    page = getattr(view, "view_class", None)
    if page is None:
        return PAGE
    return PAGE & {name.upper() for name in page.http_method_names if hasattr(page, name)}


class MethodsMiddleware:
    """Answer OPTIONS, and methods that an address does not take. Comes before the check of CSRF tokens."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == 404 and request.method not in ALL:
            return _answer(request, frozenset())
        if response.status_code == 405 and response.headers.get("Allow") == "GET, HEAD":  # WhiteNoise's
            return _answer(request, FILE)
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        allowed = methods_of(view)
        if request.method in allowed and request.method != "OPTIONS":
            return None
        return _answer(request, allowed)


def _answer(request: HttpRequest, allowed: frozenset[str]) -> HttpResponse:
    headers = {"Allow": ", ".join(sorted(allowed))}
    if request.method in allowed:
        answer = HttpResponse(status=204, headers=headers)
        del answer.headers["Content-Type"]
        return answer
    taken = headers["Allow"] or "no method"
    return problem_response(405, "method_not_allowed", f"This address takes {taken}.", headers=headers)
