"""Answers proxies first: they ask about every request to every service behind them."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from config import metrics
from gateway.check import check, is_check


class GatewayMiddleware:
    """Answer /gateway/check and the paths below it before any middleware meant for browsers and forms."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if is_check(request.path_info):
            response = check(request)
            metrics.CHECKS.count(str(response.status_code))
            return response
        return self.get_response(request)
