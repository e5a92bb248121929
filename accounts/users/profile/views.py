"""auth/me: the caller's own account and profile."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access.callers import caller_of, principal_of_request
from access.permissions import Needs
from accounts.models import User
from accounts.users import serializers
from accounts.users.changes import ProfileChanges
from accounts.users.profile import disclosure
from accounts.users.profile import services as profile
from config.wire import preconditions, requests
from config.wire.errors import InsufficientScope, NotFound


class MeView(APIView):
    """The person whom the token or key belongs to. An OAuth2 client sees what its scopes allow."""

    needs: ClassVar[Needs] = {"get": "authenticated", "patch": "person"}
    resource = "me"
    conditional = frozenset({"patch"})
    tagged = frozenset({"get", "patch"})
    scopes_of_clients = ("openid",)

    @extend_schema(responses=serializers.Me, operation_id="me")
    def get(self, request: Request) -> Response:
        principal = principal_of_request(request)
        people = User.objects.prefetch_related("memberships__organization")
        user = people.filter(pk=principal.user_id or 0).first()
        if user is None:
            raise NotFound("This key belongs to an organization, not to a person.")
        if not principal.credential.is_of_client:
            return Response(serializers.Me(user).data, headers={"ETag": preconditions.etag(user)})
        if not principal.credential.identity_scopes:
            raise InsufficientScope(["openid"])
        seen = disclosure.members_of_person(principal.credential.identity_scopes)
        return Response(serializers.Me(user, context={"seen": seen}).data)

    @extend_schema(request=serializers.ChangeMeRequest, responses=serializers.Me, operation_id="change_me")
    def patch(self, request: Request) -> Response:
        sent = requests.parse_body(serializers.ChangeMeRequest, request)
        profile.change_own_profile(
            caller=caller_of(request),
            changes=ProfileChanges(**sent),
            expected=preconditions.expected_by(request),
        )
        return self.get(request)
