"""The endpoints of sessions: the caller's own, and other people's for administrators."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from access.callers import caller_of, principal_of_request
from access.permissions import Needs
from accounts.models import Session, User
from accounts.sessions import serializers
from accounts.sessions import services as sessions
from accounts.users import authority
from audit.actors import Origin
from config.profiles import Capability
from config.wire import ids
from config.wire.views import ResourceViewSet

MANAGE = frozenset({Capability.MANAGE_USERS})


@extend_schema_view(list=extend_schema(operation_id="list_sessions"))
class SessionViewSet(ListModelMixin, ResourceViewSet[Session]):
    """The caller's own live sessions."""

    resource = "session"
    queryset = Session.objects.none()
    serializer_class = serializers.SessionMember
    list_query = serializers.SessionQuery
    needs: ClassVar[Needs] = {"list": "person", "destroy": "person", "destroy_all": "person"}

    def get_serializer_context(self) -> dict[str, Any]:
        return {"current": principal_of_request(self.request).credential.id}

    def get_queryset(self) -> QuerySet[Session]:
        now = Origin.of(self.request._request).at
        return Session.objects.live(now).filter(user_id=self.whose() or 0).select_related("user")

    def whose(self) -> int | None:
        """Return the primary key of the person whose sessions these are."""
        return principal_of_request(self.request).user_id

    @extend_schema(operation_id="end_session", responses={204: None})
    def destroy(self, request: Request, pk: str, **person: str) -> Response:
        sessions.end_session(caller=caller_of(request), session=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(operation_id="end_other_sessions", responses={204: None})
    def destroy_all(self, request: Request) -> Response:
        sessions.end_other_sessions(caller=caller_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema_view(
    list=extend_schema(operation_id="list_sessions_of_user"),
    destroy=extend_schema(operation_id="end_session_of_user"),
)
class UserSessionViewSet(SessionViewSet):
    """One person's sessions, for administrators of people."""

    needs: ClassVar[Needs] = {"list": MANAGE, "destroy": MANAGE, "destroy_all": MANAGE}

    def whose(self) -> int | None:
        return self.person().pk

    def person(self) -> User:
        """Return the person in the path. Raises NotAllowed or NotFound."""
        caller = caller_of(self.request)
        authority.check_may_manage_users(caller)
        user: User = ids.find("user", User.objects.visible_to(caller.principal), self.kwargs["user_id"])
        return user

    @extend_schema(operation_id="end_sessions_of_user", responses={204: None})
    def destroy_all(self, request: Request, user_id: str) -> Response:  # type: ignore[override]
        sessions.end_sessions_of(caller=caller_of(request), selected=[self.person()])
        return Response(status=status.HTTP_204_NO_CONTENT)
