"""Authentication of OAuth2 clients, who act for a person who consented or for the client's owner."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from access.credentials import presented
from access.principal_cache import Cached, memory
from access.principals import Credential, Place, Principal
from access.remembered import Read
from accounts.models.sessions import idle_time
from accounts.users.principals import PERSON, PERSON_JOINS, PersonRow, person, principal_of
from audit.actors import Origin
from audit.position import HEAD, HEAD_JOIN, select_at
from config import profiles
from config.database.sql import as_json, as_time, as_uuid
from config.wire.errors import InvalidToken
from config.wire.http.challenges import bearer
from oauth.models import Consent, OAuthClient
from oauth.protocol import tokens
from oauth.protocol.scopes import IDENTITY


class OAuth2Authentication(BaseAuthentication):
    """DRF authentication by OAuth2: request.user is a Principal, request.auth its Credential.

    Put it before the authentication by login tokens; it skips credentials that are not OAuth2 tokens.
    """

    def authenticate(self, request: Request) -> tuple[Principal, Credential] | None:
        sent = presented(request._request)
        if sent is None or sent.is_key or not is_oauth2_like(sent.secret):
            return None
        principal = authenticate_oauth2(sent.secret, Origin.of(request._request))
        return principal, principal.credential

    def authenticate_header(self, request: Request) -> str:
        return bearer()


def is_oauth2_like(text: str) -> bool:
    """Whether `text` has the prefix of an OAuth2 access token."""
    return text.startswith(tokens.ACCESS)


class TokenRow(NamedTuple):
    """The columns of a token in TOKEN, before the columns of the person it acts for."""

    pk: int
    scope: str
    expires: datetime
    client: str
    client_name: str
    client_uuid: Any
    client_scopes: str
    organization_id: int | None
    organization: Any
    organization_name: str | None
    consent: Any
    second_factor: bool | None
    user_is_active: bool | None


TOKEN = f"""SELECT {HEAD}, t.id, t.scope, t.expires, c.client_id, c.name, c.uuid, c.scopes, c.organization_id,
        co.uuid, co.name, y.uuid, y.second_factor, u.is_active, {PERSON}
    FROM accounts_oauthaccesstoken t
    JOIN accounts_oauthclient c ON c.id = t.application_id
    LEFT JOIN accounts_organization co ON co.id = c.organization_id
    LEFT JOIN accounts_consent y ON y.id = t.consent_id
    LEFT JOIN accounts_user u ON u.id = t.user_id {PERSON_JOINS} {HEAD_JOIN}
    WHERE t.token_checksum = %s
"""  # noqa: S608 (nothing in it comes from outside)
TOKEN_COLUMNS = len(TokenRow._fields)


def authenticate_oauth2(text: str, origin: Origin) -> Principal:
    """Return the principal of an access token. Raises InvalidToken.

    A recently used token needs no query; any other needs one.
    """
    if profiles.active().oauth2 is None:
        raise InvalidToken
    digest = tokens.digest(text)
    known = memory.known()
    found = known.get(digest.encode(), origin.at)
    if found is None:
        read = _read(digest, origin.at)
        memory.remember(known, digest.encode(), read)
        found = read.principal
    return found


def remembered_oauth2(text: str, origin: Origin) -> Cached | None:
    """Return the principal of an access token if memory holds it, else None."""
    return memory.trusted().find(tokens.digest(text).encode(), origin.at)


def _read(digest: str, now: datetime) -> Read:
    found, position = select_at(TOKEN, [digest])
    if not found:
        raise InvalidToken
    row = TokenRow(*found[0][:TOKEN_COLUMNS])
    if as_time(row.expires) <= now:
        raise InvalidToken
    if row.user_is_active is False:
        raise InvalidToken
    principal = _principal(row, [PersonRow(*columns[TOKEN_COLUMNS:]) for columns in found])
    others = [f"oauth_client:{as_uuid(row.client_uuid)}"]
    others += [f"consent:{as_uuid(row.consent)}"] if row.consent else []
    return Read.of(principal, principal.credential.expires_at, position, *others)


def _principal(row: TokenRow, person_rows: list[PersonRow]) -> Principal:
    """Return the person or organization, limited to the granted scopes that the client may still have."""
    public, ends = as_uuid(row.consent or row.client_uuid), as_time(row.expires)
    granted = frozenset(row.scope.split()) & frozenset(as_json(row.client_scopes))
    credential = Credential(
        kind="oauth2",
        id=public,
        expires_at=ends,
        label=row.client_name,
        client=row.client,
        token=row.pk,
        identity_scopes=granted & IDENTITY.keys(),
    )
    if row.user_is_active is not None:
        proven = None if row.consent is None else bool(row.second_factor)  # a machine does not log in
        whole = person(person_rows, credential, second_factor=proven)
        return whole.narrowed(granted, credential)
    if row.organization_id is None:
        raise InvalidToken
    named = (row.organization_id, as_uuid(row.organization), row.organization_name or "")
    return _of_organization(credential, granted, *named)


def principal_now(public: UUID, now: datetime) -> Principal | None:
    """Lock the consent or the machine with this uuid, and return what the client may do now.

    Return None if it has ended.
    """
    consents = Consent.objects.live(now).filter(uuid=public, user__is_active=True)
    consent = consents.select_related("user", "client").select_for_update(of=("self",)).first()
    if consent is None:
        machine = OAuthClient.objects.filter(uuid=public).select_for_update().first()
        return principal_of_machine(machine) if machine is not None and machine.is_machine else None
    client, ends = consent.client, min(consent.expires_at, consent.last_used_at + idle_time())
    credential = Credential("oauth2", str(public), ends, client.name, client=client.client_id)
    granted = frozenset(consent.scopes) & frozenset(client.scopes)
    whole = principal_of(consent.user, credential, second_factor=consent.second_factor)
    return whole.narrowed(granted, credential)


def principal_of_machine(client: OAuthClient) -> Principal | None:
    """Return the principal of a machine: its owner, limited to the machine's scopes; None if inactive."""
    credential = Credential("oauth2", str(client.uuid), label=client.name, client=client.client_id)
    granted = frozenset(client.scopes)
    if client.organization is not None:
        owner = client.organization
        return _of_organization(credential, granted, owner.pk, str(owner.uuid), owner.name)
    if client.user is None or not client.user.is_active:
        return None
    return principal_of(client.user, credential).narrowed(granted, credential)


def _of_organization(
    credential: Credential, granted: frozenset[str], number: int, public: str, name: str
) -> Principal:
    return Principal(
        subject=public,
        label=name,
        credential=credential,
        within={number: profiles.active().power_of_scopes(granted)},
        organization_id=number,
        organization=public,
        places={number: Place(public)},
    )
