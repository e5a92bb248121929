"""Proxies ask with every request of every service behind them: they are answered first."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from config import metrics
from gateway.check import check, is_check


class GatewayMiddleware:
    """Answer what begins with /gateway/check before anything that is there for browsers and forms."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if is_check(request.path_info):
            response = check(request)
            metrics.CHECKS.count(str(response.status_code))
            return response
        return self.get_response(request)
