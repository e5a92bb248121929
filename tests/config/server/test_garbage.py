"""What is left in memory of a request to a DRF view."""

import gc
from collections.abc import Callable
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIRequest
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from config.server.answers import call_wsgi
from config.server.environ import environ_of
from tests.config.server.test_environ import scope

pytestmark = [pytest.mark.once, pytest.mark.django_db]  # Django looks at connections after each answer


class Plain(APIView):
    authentication_classes = permission_classes = ()

    def get(self, request: Request) -> Response:
        return Response({"sent": request.data})


class Listing(ViewSet):
    authentication_classes = permission_classes = ()

    def list(self, request: Request) -> Response:
        return Response({"sent": request.data})


OF_A_REQUEST = (WSGIRequest, APIView, Request, Response)


def garbage_of(do: Callable[[], object]) -> list[Any]:
    """Return the parts of requests that only the garbage collector can free once `do` is done."""
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        do()
        gc.collect()
        return [each for each in gc.garbage if isinstance(each, OF_A_REQUEST)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()


@pytest.mark.parametrize("view", [Plain.as_view(), Listing.as_view({"get": "list"})])
def test_a_request_to_a_drf_view_is_free_once_it_is_answered(view: Any) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> Any:
        response = view(WSGIRequest(environ)).render()
        start_response("200 OK", list(response.items()))
        return response

    def ask() -> bytes:
        return call_wsgi(application, environ_of(scope())).answer.body

    assert ask() == b'{"sent":{}}'
    assert garbage_of(ask) == []
