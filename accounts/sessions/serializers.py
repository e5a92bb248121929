"""Requests and answers about logins and sessions."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Q
from rest_framework import serializers

from accounts.passwords.rules import LONGEST
from accounts.users.serializers import UserMember
from config import profiles
from config.wire.fields import SearchField, TextField, TimestampField
from config.wire.ids import IdField
from config.wire.lists.query import ListQuery
from config.wire.members import RequestSerializer, WireSerializer, external_name


class LoginRequest(RequestSerializer):
    resource = "login"

    username = TextField(max_length=254, required=False)
    email = TextField(max_length=254, required=False)
    password = TextField(max_length=LONGEST, trim_whitespace=False)
    totp_code = TextField(
        max_length=64,
        required=False,
        allow_blank=True,
        help_text="for accounts with a second factor: a code from the authenticator app, or a recovery code",
    )

    def _members(self, declared: Any) -> Any:
        """Include the identifiers that the profile lets people log in with."""
        return [*profiles.active().login.identifiers, "password", "totp_code"]

    def declared(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return the members; an identifier is required if it is the profile's only one."""
        declared, identifiers = super().declared(), profiles.active().login.identifiers
        for kind in identifiers:
            declared[kind].required = len(identifiers) == 1
        return declared

    def faults_together(self, data: Mapping[str, Any]) -> Mapping[str, str]:
        names = [external_name(self.resource, kind) for kind in profiles.active().login.identifiers]
        if len(names) == 1 or sum(name in data for name in names) == 1:
            return {}
        return {names[0]: f"Send {' or '.join(names)}, but not both."}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        (identifier,) = (attrs[kind] for kind in profiles.active().login.identifiers if kind in attrs)
        proof = {"password": attrs["password"], "totp_code": attrs.get("totp_code", "")}
        return {"identifier": identifier, **proof}


class RefreshRequest(RequestSerializer):
    resource = "refresh"

    refresh_token = TextField(max_length=4096)

    def _members(self, declared: Any) -> Any:
        """Take no member if the profile refreshes with the access token."""
        return declared if profiles.active().login.refresh_takes == "refresh_token" else ()


class TokenPairMember(WireSerializer):
    resource = "tokens"

    access_token = serializers.CharField()
    refresh_token = serializers.CharField()
    token_type = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="seconds")


class Login(WireSerializer):
    resource = "logged_in"

    access_token = serializers.CharField(source="tokens.access_token")
    refresh_token = serializers.CharField(source="tokens.refresh_token")
    token_type = serializers.CharField(source="tokens.token_type")
    expires_in = serializers.IntegerField(source="tokens.expires_in", help_text="seconds")
    user = UserMember()


class SessionMember(WireSerializer):
    """A live session, without its tokens."""

    resource = "session"

    id = IdField("session")
    device = serializers.CharField(source="user_agent", help_text="User-Agent of the login")
    ip = serializers.CharField()
    created_at = TimestampField()
    last_seen_at = TimestampField(help_text="time of the login or of the last refresh")
    expires_at = TimestampField(help_text="when it ends at the latest")
    current = serializers.SerializerMethodField(help_text="whether it is the session of this request")

    def get_current(self, session: Any) -> bool:
        current: str = self.context["current"]
        return str(session.uuid) == current


class SessionQuery(ListQuery):
    """The query parameters of a list of sessions."""

    resource = "session"

    search = SearchField("text in the User-Agent, or the beginning of the address")

    def by_search(self, rows: Any, text: str) -> Any:
        return rows.filter(Q(user_agent__icontains=text) | Q(ip__startswith=text))
