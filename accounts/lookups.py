"""Finding people and organizations: by the names that operators and logins type, and again under a lock."""

from collections.abc import Iterable
from typing import TypeVar, cast

from django.db.models import Q

from accounts.models import OAuthAccessToken, OAuthClient, Organization, User
from accounts.names import fold
from accounts.principals import Caller
from config import profiles
from config.errors import Invalid, InvalidToken, NotAllowed, NotFound
from config.rows import by_number

Row = TypeVar("Row", bound=User | Organization | OAuthClient)


def user_named(text: str) -> User:
    """Return the user with this user name or e-mail address. Raises Invalid."""
    key = _key("user", text)
    found = User.objects.filter(username_key=key).first() or User.objects.filter(email_key=key).first()
    if found is None:
        raise Invalid("user", f"there is no user {text}")
    return found


def organization_named(text: str) -> Organization:
    """Return the organization with this name. Raises Invalid."""
    found = Organization.objects.filter(name_key=_key("organization", text)).first()
    if found is None:
        raise Invalid("organization", f"there is no organization {text}")
    return found


def find_by_identifier(identifier: str) -> User | None:
    """Return the user whose user name or e-mail address, as far as the profile lets log in by it, this is."""
    kinds = profiles.active().login.identifiers
    match = Q()
    for kind in kinds:
        match |= Q(**{f"{kind}_key": fold(identifier)})
    return User.objects.filter(match).first()


def _key(member: str, text: str) -> str:
    if not text.isprintable():  # nobody has such a name, and not every database can be asked for it
        raise Invalid(member, "holds a character that no name has")
    return fold(text)


def person_of(caller: Caller) -> User:
    """Return the person who calls. Raises NotAllowed if that is nobody, or nobody any more."""
    found = User.objects.filter(pk=caller.principal.user_id or 0).first()
    if found is None:
        raise NotAllowed("This is for people.")
    return found


def hold(row: Row) -> Row:
    """Return somebody or something as it is now, locked: nobody deletes it before this transaction ends.

    Raises NotFound if somebody has.
    """
    rows = type(row).objects.select_for_update()
    found = cast("Row | None", rows.filter(pk=row.pk).first())
    if found is None:
        raise NotFound(f"{row} is not there any more.")
    return found


def hold_clients(clients: Iterable[OAuthClient]) -> list[OAuthClient]:
    """Return clients as they are now, locked like `hold`, and before them all for whom they act.

    Everywhere organizations are locked before people, people before clients, and these before what came of
    them. Raises NotFound.
    """
    rows = sorted(clients, key=lambda row: row.pk)
    for number in sorted({row.organization_id for row in rows if row.organization_id}):
        hold(Organization(pk=number))
    for number in sorted({row.user_id for row in rows if row.user_id}):
        hold(User(pk=number))
    return [hold(row) for row in rows]


def hold_token(number: int, *, beside: User | Organization) -> None:
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
            hold(Organization(pk=organization))
        for person in sorted(filter(None, {client.user_id, token.user_id, own[1]})):
            hold(User(pk=person))
        hold(client)
    except NotFound:
        raise InvalidToken from None
    if not OAuthAccessToken.objects.select_for_update().filter(pk=number).exists():
        raise InvalidToken


def hold_owners(organizations: Iterable[int | None], people: Iterable[int | None]) -> None:
    """Lock the owners with these numbers before what is theirs; others may go on referring to them."""
    for table, numbers in ((Organization, organizations), (User, people)):
        for rows in by_number(table._default_manager.select_for_update(no_key=True), filter(None, numbers)):
            list(rows.values_list("pk"))
