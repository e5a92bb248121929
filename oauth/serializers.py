"""Requests and answers of the OAuth2 endpoints: named as in the RFCs, except for consents."""

from typing import Any

from rest_framework import serializers

from config.wire.fields import SearchField, TimestampField
from config.wire.ids import IdField
from config.wire.lists.query import ListQuery
from config.wire.members import WireSerializer
from oauth.protocol.server import GRANT_TYPES


class ClientRequest(serializers.Serializer[Any]):
    """A client authenticates with these members, or with HTTP Basic."""

    client_id = serializers.CharField(required=False)
    client_secret = serializers.CharField(required=False)


class OAuth2TokenRequest(ClientRequest):
    grant_type = serializers.ChoiceField(choices=GRANT_TYPES)
    code = serializers.CharField(required=False)
    redirect_uri = serializers.CharField(required=False)
    code_verifier = serializers.CharField(required=False)
    refresh_token = serializers.CharField(required=False)
    device_code = serializers.CharField(required=False)
    scope = serializers.CharField(required=False)


class OAuth2Tokens(serializers.Serializer[Any]):
    access_token = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="seconds")
    token_type = serializers.CharField()
    scope = serializers.CharField(required=False, help_text="absent if the token has no scope")
    refresh_token = serializers.CharField(required=False)
    id_token = serializers.CharField(required=False)


class DeviceRequest(ClientRequest):
    client_id = serializers.CharField()
    scope = serializers.CharField(required=False)


class DeviceCodes(serializers.Serializer[Any]):
    device_code = serializers.CharField()
    user_code = serializers.CharField()
    verification_uri = serializers.CharField()
    verification_uri_complete = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="seconds")
    interval = serializers.IntegerField(help_text="seconds between polls")


class OAuth2RevocationRequest(ClientRequest):
    token = serializers.CharField(min_length=1)
    token_type_hint = serializers.CharField(required=False)


class UserInfo(serializers.Serializer[Any]):
    sub = serializers.CharField()
    name = serializers.CharField(required=False)
    preferred_username = serializers.CharField(required=False)
    email = serializers.CharField(required=False)
    email_verified = serializers.BooleanField(required=False)
    groups = serializers.ListField(child=serializers.CharField(), required=False)
    roles = serializers.ListField(child=serializers.CharField(), required=False)


class OAuth2Metadata(serializers.Serializer[Any]):
    """RFC 8414 section 2, and OpenID Connect Discovery section 3."""

    issuer = serializers.CharField()
    authorization_endpoint = serializers.CharField()
    token_endpoint = serializers.CharField()
    jwks_uri = serializers.CharField()


class JsonWebKeySet(serializers.Serializer[Any]):
    keys = serializers.ListField(child=serializers.DictField())


class ConsentClient(WireSerializer):
    resource = "consent_client"

    client_id = serializers.CharField()
    name = serializers.CharField()


class ConsentMember(WireSerializer):
    """A consent that the person has not withdrawn."""

    resource = "consent"

    id = IdField("consent")
    client = ConsentClient()
    scopes = serializers.ListField(child=serializers.CharField())
    created_at = TimestampField()
    last_used_at = TimestampField(help_text="time of the consent or of the last refresh")
    expires_at = TimestampField(help_text="when it ends at the latest")


class ConsentQuery(ListQuery):
    """The query parameters of the list of consents."""

    resource = "consent"

    search = SearchField("text in the name of the client")

    def by_search(self, rows: Any, text: str) -> Any:
        return rows.filter(client__name__icontains=text)
