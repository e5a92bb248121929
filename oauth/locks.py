"""Clients and access tokens under a lock, after all on whom they depend."""

from collections.abc import Iterable

from accounts.models import Organization, User
from accounts.users.lookups import lock
from config.wire.errors import InvalidToken, NotFound
from oauth.models import OAuthAccessToken, OAuthClient


def lock_clients(clients: Iterable[OAuthClient]) -> list[OAuthClient]:
    """Return clients as they are now, locked like `lock`, and before them all for whom they act.

    Everywhere organizations are locked before people, people before clients, and these before what came of
    them. Raises NotFound.
    """
    rows = sorted(clients, key=lambda row: row.pk)
    for number in sorted({row.organization_id for row in rows if row.organization_id}):
        lock(Organization(pk=number))
    for number in sorted({row.user_id for row in rows if row.user_id}):
        lock(User(pk=number))
    return [lock(row) for row in rows]


def lock_token(number: int, *, beside: User | Organization) -> None:
    """Lock an OAuth2 access token, before it all that it ends with, and in the same order `beside`.

    Raises InvalidToken if it has ended.
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
