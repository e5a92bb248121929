"""The actions of the key endpoints about scopes that a key does not need."""

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from access.callers import caller_of
from apikeys.advice import services
from apikeys.advice.serializers import KeyAdvice, KeyAdviceMember
from apikeys.models import ApiKey
from audit.actors import Origin
from config.wire.views import EditedViewSet


class AdvisedViewSet(EditedViewSet[ApiKey]):
    """Keys that can be narrowed to the scopes that they need, and widened again."""

    @extend_schema(operation_id="get_api_key_advice", responses=KeyAdviceMember)
    @action(detail=True, methods=["get"])
    def advice(self, request: Request, pk: str) -> Response:
        """Which scopes the key could do without."""
        found = KeyAdvice.about(self.get_object(), Origin.of(request._request).at)
        return Response(KeyAdviceMember(found).data)

    @extend_schema(operation_id="narrow_api_key", request=None)
    @action(detail=True, methods=["post"])
    def narrow(self, request: Request, pk: str) -> Response:
        """Take from the key the scopes that it could do without."""
        caller, expected = caller_of(request), self.expected
        services.narrow_api_keys(caller=caller, selected=[self.get_object()], expected=expected)
        return self.about(self.get_object())

    @extend_schema(operation_id="widen_api_key", request=None)
    @action(detail=True, methods=["post"])
    def widen(self, request: Request, pk: str) -> Response:
        """Give the key back the scopes that narrowing took from it."""
        caller, expected = caller_of(request), self.expected
        services.widen_api_keys(caller=caller, selected=[self.get_object()], expected=expected)
        return self.about(self.get_object())
