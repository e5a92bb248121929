"""The endpoints that list and manage people."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from access.callers import caller_of, principal_of_request
from access.permissions import Needs
from accounts.idempotency import openapi as idempotency
from accounts.idempotency.requests import once
from accounts.models import User, UserQuerySet
from accounts.users import serializers
from accounts.users import services as users
from accounts.users.changes import UserChanges
from config.profiles import Capability
from config.wire import ids, requests
from config.wire.views import EditedViewSet

SEE = frozenset({Capability.READ_USERS})
MANAGE = frozenset({Capability.MANAGE_USERS})


@extend_schema_view(
    list=extend_schema(operation_id="list_users"),
    retrieve=extend_schema(operation_id="get_user"),
)
class UserViewSet(ListModelMixin, EditedViewSet[User]):
    """The people whom the caller may see: all, or the members of some organizations."""

    resource = "user"
    queryset = User.objects.none()
    serializer_class = serializers.UserMember
    list_query = serializers.UserQuery
    needs: ClassVar[Needs] = {
        "list": SEE,
        "retrieve": SEE,
        "create": MANAGE,
        "partial_update": MANAGE,
        "destroy": MANAGE,
    }
    of_people = frozenset({"create"})

    def get_queryset(self) -> UserQuerySet:
        return User.objects.visible_to(principal_of_request(self.request))

    @extend_schema(
        operation_id="create_user",
        request=serializers.CreateUserRequest,
        parameters=idempotency.PARAMETERS,
        responses={201: serializers.UserMember, **idempotency.REFUSALS},
    )
    def create(self, request: Request) -> Response:
        sent = requests.parse_body(serializers.CreateUserRequest, request)
        made = once(
            request,
            {name: value for name, value in sent.items() if name != "password"},
            lambda claim: users.create_user(caller=caller_of(request), claim=claim, **sent),
            lambda uuid: User.objects.filter(uuid=uuid).first(),
        )
        return self.created_row(made.result, ids.public_id(self.resource, made.result), made.headers)

    @extend_schema(operation_id="update_user", request=serializers.UpdateUserRequest)
    def partial_update(self, request: Request, pk: str) -> Response:
        user = self.get_object()
        changes = UserChanges(**requests.parse_body(serializers.UpdateUserRequest, request, row=user))
        caller, expected = caller_of(request), self.expected
        return self.about(users.update_user(caller=caller, user=user, changes=changes, expected=expected))

    @extend_schema(operation_id="delete_user", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        user = self.get_object()
        users.delete_user(caller=caller_of(request), user=user, expected=self.expected)
        return Response(status=status.HTTP_204_NO_CONTENT)
