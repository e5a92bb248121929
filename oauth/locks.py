"""Locking clients and access tokens, after the rows that they depend on."""

from collections.abc import Iterable

from accounts.models import Organization, User
from accounts.users.lookups import lock
from config.wire.errors import InvalidToken, NotFound
from oauth.models import OAuthAccessToken, OAuthClient


def lock_clients(clients: Iterable[OAuthClient]) -> list[OAuthClient]:
    """Lock the owners of these clients, then the clients; return fresh copies of them. Raises NotFound.

    The lock order everywhere is: organizations, people, clients, then consents, codes and tokens.
    """
    rows = sorted(clients, key=lambda row: row.pk)
    for number in sorted({row.organization_id for row in rows if row.organization_id}):
        lock(Organization(pk=number))
    for number in sorted({row.user_id for row in rows if row.user_id}):
        lock(User(pk=number))
    return [lock(row) for row in rows]


def lock_token(number: int, *, beside: User | Organization) -> None:
    """Lock an OAuth2 access token, and before it `beside` and every row whose deletion ends the token.

    Raises InvalidToken if the token has ended.
    """
    token = OAuthAccessToken.objects.select_related("application").filter(pk=number).first()
    if token is None or token.application is None:
        raise InvalidToken
    client = token.application
    own = (beside.pk, None) if isinstance(beside, Organization) else (None, beside.pk)
    try:
        for organization in sorted(filter(None, {client.organization_id, own[0]})):
            lock(Organization(pk=organization))
        for person in sorted(filter(None, {client.user_id, token.user_id, own[1]})):
            lock(User(pk=person))
        lock(client)
    except NotFound:
        raise InvalidToken from None
    if not OAuthAccessToken.objects.select_for_update().filter(pk=number).exists():
        raise InvalidToken
