"""Answers OPTIONS with the methods of an address, others with 405 (RFC 9110 sections 9.3.7, 15.5.6).

The answer depends on the URL only, and comes before authentication. So all callers get the same answer, and
learn nothing about existing rows. /gateway/check is exempt: there the method belongs to the request that a
proxy asks about, and a 2xx answer to OPTIONS would let that request through.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse

from config.wire.problems import problem_response

View = TypeVar("View", bound=Callable[..., Any])

ALL = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
PAGE = frozenset({"GET", "POST"})  # browsers and forms send no other methods
FILE = frozenset({"GET", "HEAD", "OPTIONS"})


def takes(*methods: str) -> Callable[[View], View]:
    """Declare the methods of a view function. A function without a declaration counts as a page."""

    def declare(view: View) -> View:
        view.methods = frozenset(methods)  # type: ignore[attr-defined]
        return view

    return declare


@lru_cache(maxsize=1024)
def methods_of(view: Callable[..., Any]) -> frozenset[str]:
    """Return the methods that a view accepts, with OPTIONS, and HEAD beside GET."""
    found = getattr(view, "methods", None) or _handled(view)
    return found | {"OPTIONS"} | ({"HEAD"} if "GET" in found else set())


def _handled(view: Any) -> frozenset[str]:
    """Return the methods for which the view's class (DRF's or Django's) has a handler."""
    if hasattr(view, "cls"):
        handlers = getattr(view, "actions", None) or dir(view.cls)
        return frozenset(name.upper() for name in view.cls.http_method_names if name in handlers)
    page = getattr(view, "view_class", None)
    if page is None:
        return PAGE
    return PAGE & {name.upper() for name in page.http_method_names if hasattr(page, name)}


class MethodsMiddleware:
    """Answers OPTIONS, and methods that an address does not accept, before CSRF tokens are checked."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == 404 and request.method not in ALL:
            return _answer(request, frozenset())
        if response.status_code == 405 and response.headers.get("Allow") == "GET, HEAD":  # from WhiteNoise
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
    accepted = headers["Allow"] or "no methods"
    return problem_response(405, "method_not_allowed", f"This address accepts {accepted}.", headers=headers)
