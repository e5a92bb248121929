"""People, for those who may see or manage them."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts import serializers
from accounts.callers import caller_of, principal_of_request
from accounts.models import User, UserQuerySet
from accounts.permissions import Needs
from accounts.services import users
from config import wire
from config.profiles import Capability
from config.query import sent_once

SEE = frozenset({Capability.READ_USERS})
MANAGE = frozenset({Capability.MANAGE_USERS})


class UserViewSet(GenericViewSet[User]):
    """People: everybody, or the members of the organizations whose people one may see."""

    resource = "user"
    queryset = User.objects.none()
    serializer_class = serializers.UserMember
    needs: ClassVar[Needs] = {
        "list": SEE,
        "retrieve": SEE,
        "create": MANAGE,
        "partial_update": MANAGE,
        "destroy": MANAGE,
    }

    def get_queryset(self) -> UserQuerySet:
        return User.objects.visible_to(principal_of_request(self.request))

    @extend_schema(operation_id="list_users", parameters=[serializers.UserFilter])
    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self._wanted(request))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def _wanted(self, request: Request) -> UserQuerySet:
        sent = serializers.UserFilter(data=sent_once(request))
        sent.is_valid(raise_exception=True)
        wanted, rows = sent.validated_data, self.get_queryset()
        if wanted.get("search"):
            rows = rows.matching(wanted["search"])
        if "role" in wanted:
            rows = rows.filter(role=wanted["role"])
        if "is_active" in wanted:
            rows = rows.filter(is_active=wanted["is_active"] == "true")
        return rows

    @extend_schema(operation_id="get_user")
    def retrieve(self, request: Request, pk: str) -> Response:
        user = wire.find("user", self.get_queryset(), pk)
        return Response(self.get_serializer(user).data)

    @extend_schema(
        operation_id="create_user",
        request=serializers.CreateUserRequest,
        responses={201: serializers.UserMember},
    )
    def create(self, request: Request) -> Response:
        sent = serializers.CreateUserRequest(data=request.data)
        sent.is_valid(raise_exception=True)
        user = users.create_user(caller=caller_of(request), **sent.validated_data)
        return Response(self.get_serializer(user).data, status=status.HTTP_201_CREATED)

    @extend_schema(operation_id="update_user", request=serializers.UpdateUserRequest)
    def partial_update(self, request: Request, pk: str) -> Response:
        user = wire.find("user", self.get_queryset(), pk)
        sent = serializers.UpdateUserRequest(data=request.data)
        sent.is_valid(raise_exception=True)
        user = users.update_user(caller=caller_of(request), user=user, changes=sent.validated_data)
        return Response(self.get_serializer(user).data)

    @extend_schema(operation_id="delete_user", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        user = wire.find("user", self.get_queryset(), pk)
        users.delete_user(caller=caller_of(request), user=user)
        return Response(status=status.HTTP_204_NO_CONTENT)
