"""Keyhouse's own addresses, and a DRF view that asks for a scope."""

from typing import ClassVar

from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.sessions.authentication import AccessTokenAuthentication
from apikeys.authentication import ApiKeyAuthentication
from apikeys.permissions import HasScope
from bench import select
from bench.answer import ANSWER
from config import urls
from config.urls import handler400, handler403, handler404, handler500

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]


class Protected(APIView):
    """As README shows it to services that are Django themselves."""

    authentication_classes = (ApiKeyAuthentication, AccessTokenAuthentication)
    permission_classes = (HasScope,)
    required_scopes: ClassVar[list[str]] = ["services:read"]

    def get(self, request: Request) -> Response:
        return Response(ANSWER)


class Open(APIView):
    """What Django, DRF and our middleware cost without authentication."""

    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request) -> Response:
        return Response(ANSWER)


urlpatterns = [
    path("bench", Protected.as_view()),
    path("open", Open.as_view()),
    path("select", select.view),
    *urls.urlpatterns,
]
