"""The same small answer behind every peer's way to tell who calls."""

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse, JsonResponse
from knox.auth import TokenAuthentication as KnoxAuthentication
from oauth2_provider.contrib.rest_framework.authentication import OAuth2Authentication
from oauth2_provider.contrib.rest_framework.permissions import TokenHasScope
from rest_framework.authentication import TokenAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_api_key.permissions import HasAPIKey
from rest_framework_simplejwt.authentication import JWTAuthentication

from bench.answer import ANSWER


def bare(request: HttpRequest) -> HttpResponse:
    """The least that Django can do."""
    return JsonResponse(ANSWER)


class Open(APIView):
    """A DRF view that asks nobody who they are: 1.00."""

    authentication_classes: Any = ()
    permission_classes: Any = ()

    def get(self, request: Request) -> Response:
        return Response(ANSWER)


class SimpleJwt(Open):
    """djangorestframework-simplejwt, which looks for the user."""

    authentication_classes = (JWTAuthentication,)
    permission_classes = (IsAuthenticated,)


class DrfToken(Open):
    """DRF's own tokens."""

    authentication_classes = (TokenAuthentication,)
    permission_classes = (IsAuthenticated,)


class ApiKey(Open):
    """djangorestframework-api-key, whose keys belong to nobody."""

    permission_classes = (HasAPIKey,)


class Knox(Open):
    """django-rest-knox."""

    authentication_classes = (KnoxAuthentication,)
    permission_classes = (IsAuthenticated,)


class OAuth(Open):
    """django-oauth-toolkit, with a scope."""

    authentication_classes = (OAuth2Authentication,)
    permission_classes = (TokenHasScope,)
    required_scopes: ClassVar[list[str]] = ["read"]
