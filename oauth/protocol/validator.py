"""Keyhouse's answers to oauthlib's questions, where they differ from django-oauth-toolkit's.

`code` and `device_code` are always digests here: `oauth.protocol.server` hashes them before oauthlib sees
them.
"""

import re
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.oauth2.rfc6749 import errors

from accounts.models import Session, User
from accounts.signing import keys as signing
from audit.actors import Origin
from config import profiles
from config.wire.errors import Invalid, NotFound
from oauth.locks import lock_clients
from oauth.models import Consent, DeviceCode, OAuthClient, OAuthCode, OAuthRefreshToken
from oauth.protocol import claims, tokens
from oauth.protocol.scopes import asked_for
from oauth.services import consents, devices
from oauth.services.clients import is_secret_of
from oauth.services.consents import CodeTerms
from oauth.services.tokens import Tokens, issue_tokens, revoke_token, spend_code

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
CLIENT_ID = re.compile(r"[A-Za-z0-9]{1,255}")


def _held(rows: QuerySet[Any]) -> Any:
    """Lock the row's person, if active, and return the row; None if either is missing.

    Services that end a consent lock the person, too, so no token is issued from it at the same time.
    """
    person = rows.values_list("user_id", flat=True).first()
    if User.objects.select_for_update().filter(pk=person or 0, is_active=True).first() is None:
        return None
    return rows.select_related("consent__user", "consent__client").first()


def _asked_for(scopes: list[str], allowed: list[str], request: Any) -> list[str]:
    try:
        return asked_for(scopes, allowed)
    except Invalid as error:
        raise errors.InvalidScopeError(error.detail, request=request) from None


class Validator(OAuth2Validator):
    """The answers for one request, which came from `origin`.

    Results are stored here and not on oauthlib's request, whose attributes a client's parameters can set.
    """

    session: Session | None = None  # of the person who consents
    consent: Consent | None = None
    spent: OAuthRefreshToken | None = None
    device: DeviceCode | None = None

    def __init__(self, origin: Origin) -> None:
        super().__init__()
        self.origin = origin

    # Clients

    def _load_application(self, client_id: str | None, request: Any) -> OAuthClient | None:
        """Return the client, and store it in the request."""
        if not CLIENT_ID.fullmatch(client_id or ""):
            request.client = None
            return None
        known = request.client if isinstance(request.client, OAuthClient) else None
        if known is None or known.client_id != client_id:
            known = OAuthClient.objects.filter(client_id=client_id).first()
        request.client = known
        return known

    def authenticate_client(self, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Check the secret in the header or in the body (RFC 6749 section 2.3.1).

        Raises InvalidRequestError if the header has a valid secret and the body has one, too.
        """
        request.encoding = "utf-8"  # else the library reads a parameter with that name
        if self._extract_basic_auth(request):
            is_good: bool = self._authenticate_basic_auth(request)
            if is_good and request.client_secret:
                detail = "Send the client's secret in the header or in the body, not in both."
                raise errors.InvalidRequestError(detail, request=request)
        else:
            is_good = self._authenticate_request_body(request)
        # The library accepts a public client that names the device grant.
        if not is_good or not request.client.is_confidential:
            return False
        request.client_id = request.client.client_id
        return True

    def _extract_basic_auth(self, request: Any) -> str | None:
        """Return the ASCII text after Basic, in any case (RFC 9110 section 11.1)."""
        scheme, _, text = (request.headers.get("HTTP_AUTHORIZATION") or "").partition(" ")
        return text if scheme.lower() == "basic" and text and text.isascii() else None

    def _check_secret(self, provided_secret: str, stored_secret: str) -> bool:
        return is_secret_of(OAuthClient(client_secret=stored_secret), provided_secret)

    # The authorization request

    def is_pkce_required(self, client_id: str, request: Any) -> bool:
        needs: bool = request.client.needs_pkce
        return needs

    def validate_scopes(
        self, client_id: str, scopes: list[str], client: OAuthClient, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Keep the requested scopes that exist; without any, use all scopes of the client.

        Raises InvalidScopeError.
        """
        request.scopes = _asked_for(scopes, client.scopes, request) or list(client.scopes)
        return True

    def get_default_scopes(self, client_id: str, request: Any, *args: Any, **kwargs: Any) -> list[str]:
        """Return all scopes of the client, for a request that names none."""
        return list(request.client.scopes)

    def save_authorization_code(
        self, client_id: str, code: dict[str, str], request: Any, *args: Any, **kwargs: Any
    ) -> None:
        assert self.session is not None  # noqa: S101 (the page sets it)
        terms = CodeTerms(request.redirect_uri, request.code_challenge or "", request.nonce or "")
        consents.give_consent(
            session=self.session,
            client=request.client,
            scopes=request.scopes,
            code=code["code"],
            terms=terms,
            origin=self.origin,
        )

    # The token request

    def validate_code(
        self, client_id: str, code: str, client: OAuthClient, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Whether the code is valid for this client; locks it. A spent code ends its consent."""
        row = _held(OAuthCode.objects.filter(code=code, application=client))
        if row is None:
            return False
        if row.spent_at is not None:
            consents.end_replayed(consent=row.consent, origin=self.origin)
            return False
        if row.expires <= self.origin.at:
            return False
        if request.code_verifier and not row.code_challenge:  # RFC 9700 section 4.8.2: a downgrade
            return False
        self._act_for(row.consent, request)
        return True

    def confirm_redirect_uri(
        self, client_id: str, code: str, redirect_uri: str, client: OAuthClient, *args: Any, **kwargs: Any
    ) -> bool:
        """Return True if the code was issued for this address. Raises InvalidGrantError (RFC 6749 5.2)."""
        asked = OAuthCode.objects.filter(code=code).values_list("redirect_uri", flat=True).first()
        if asked != redirect_uri:  # compared here, because the database rejects a query with NUL
            raise errors.InvalidGrantError("The redirect_uri is not the one that the code was issued for.")
        return True

    def invalidate_authorization_code(
        self, client_id: str, code: str, request: Any, *args: Any, **kwargs: Any
    ) -> None:
        assert self.consent is not None  # noqa: S101 (the code was good)
        spend_code(consent=self.consent, code=code, scopes=request.scopes, origin=self.origin)

    def validate_refresh_token(
        self, refresh_token: str, client: OAuthClient, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Whether the token is valid for this client; locks it. An exchanged token ends its consent."""
        digest = tokens.digest(refresh_token)
        row = _held(OAuthRefreshToken.objects.filter(token_checksum=digest, application=client))
        if row is None:
            return False
        if row.revoked is not None:
            consents.end_reused(consent=row.consent, origin=self.origin)
            return False
        if not Consent.objects.live(self.origin.at).filter(pk=row.consent_id).exists():
            return False
        self._act_for(row.consent, request)
        self.spent = row
        return True

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: OAuthClient, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Whether the client may use this grant; devices must be allowed for it."""
        if grant_type == DEVICE_GRANT:
            return client.device_grant
        is_good: bool = super().validate_grant_type(client_id, grant_type, client, request)
        return is_good

    def validate_device_code(
        self, client_id: str, device_code: str, request: Any, *args: Any, **kwargs: Any
    ) -> str | None:
        """Return oauthlib's word for the state of the code.

        Return None if it is unknown, spent or another client's.
        """
        polled = devices.poll(client=request.client, digest=device_code, origin=self.origin)
        if polled.allowed is not None and polled.allowed.consent is not None:
            self.device = polled.allowed
            self._act_for(polled.allowed.consent, request)
        return polled.state

    def get_original_scopes(self, refresh_token: str, request: Any, *args: Any, **kwargs: Any) -> list[str]:
        return self._granted()

    def is_within_original_scope(
        self, request_scopes: list[str], refresh_token: str, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Do as validate_scopes, within the scopes that were granted before. Raises InvalidScopeError."""
        request.scopes = _asked_for(request_scopes, self._granted(), request) or self._granted()
        return True

    def _act_for(self, consent: Consent, request: Any) -> None:
        """Issue the new tokens for the person of this consent."""
        self.consent, request.user = consent, consent.user
        request.scopes = self._granted()

    def _granted(self) -> list[str]:
        """Return the scopes that the person granted and that the client may still have."""
        assert self.consent is not None  # noqa: S101 (a code or a refresh token was good)
        return [scope for scope in self.consent.scopes if scope in self.consent.client.scopes]

    def lifetime(self, request: Any) -> int:
        """Return the lifetime of a new access token in seconds; it does not outlive its consent."""
        most = profiles.active().login.access_token_seconds
        if self.consent is None:
            return most
        return min(most, int((self.consent.expires_at - self.origin.at).total_seconds()))

    def _save_bearer_token(self, token: dict[str, Any], request: Any, *args: Any, **kwargs: Any) -> None:
        """Store the tokens.

        Raises InvalidClientError if the client or its owner was just deleted, or its secret was replaced.
        """
        try:
            [client] = lock_clients([request.client])
        except NotFound:
            raise errors.InvalidClientError(request=request) from None
        if client.client_secret != request.client.client_secret:
            raise errors.InvalidClientError(request=request)
        if self.device is not None and not devices.spend(
            device=self.device, scopes=token["scope"].split(), origin=self.origin
        ):
            raise errors.InvalidGrantError(request=request)
        issue_tokens(
            client=client,
            consent=self.consent,
            scopes=token["scope"].split(),
            tokens=Tokens(token["access_token"], token.get("refresh_token", "")),
            expires_at=self.origin.at + timedelta(seconds=token["expires_in"]),
            origin=self.origin,
            spent=self.spent,
        )

    def finalize_id_token(
        self, id_token: dict[str, Any], token: dict[str, Any], token_handler: Any, request: Any
    ) -> str:
        """Return the signed ID token; oauthlib has set aud, iat, nonce and at_hash."""
        policy = profiles.active().oauth2
        assert policy is not None and self.consent is not None  # noqa: S101 (there was a code)
        about = claims.of_login(self.consent, request.scopes)
        ends = {"exp": id_token["iat"] + token["expires_in"]}
        return signing.sign(id_token | about | ends, policy.id_token_algorithm)

    # Revocation

    def revoke_token(
        self, token: str, token_type_hint: str | None, request: Any, *args: Any, **kwargs: Any
    ) -> None:
        revoke_token(client=request.client, text=token, origin=self.origin)
