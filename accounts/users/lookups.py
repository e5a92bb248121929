"""Finding people and organizations by the names that operators and logins type, and locking rows."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeVar

from django.db.models import Model, Q

from access.principals import Caller
from accounts.models import Organization, User
from accounts.users.names import Unmailable, fold, fold_email, mail_address
from config import profiles
from config.database.rows import in_batches
from config.wire.errors import Invalid, NotAllowed, NotFound, Sentence

FOLDS = {"username": fold, "email": fold_email}
Row = TypeVar("Row", bound=Model)


def user_named(text: str) -> User:
    """Return the person with this user name or e-mail address. Raises Invalid."""
    named = User.objects.filter(username_key=_key("user", text)).first()
    found = named or User.objects.filter(email_key=fold_email(text)).first()
    if found is None:
        raise Invalid("user", Sentence("%(text)s does not exist", text=repr(text)))
    return found


def organization_named(text: str) -> Organization:
    """Return the organization with this name. Raises Invalid."""
    found = Organization.objects.filter(name_key=_key("organization", text)).first()
    if found is None:
        raise Invalid("organization", Sentence("%(text)s does not exist", text=repr(text)))
    return found


def find_by_identifier(identifier: str) -> User | None:
    """Return the person with this identifier: a user name or e-mail address, as the profile's login takes."""
    match = Q()
    for kind in profiles.active().login.identifiers:
        match |= Q(**{f"{kind}_key": FOLDS[kind](identifier)})
    return User.objects.filter(match).first()


def throttled_as(identifier: str) -> str:
    """Return the throttling subject of an identifier. Spellings that find the same person share one."""
    return fold(fold_email(identifier))


class EmailFault(NamedTuple):
    """What is wrong with a person's e-mail address; `same_as` is an account with the same mailbox."""

    user: User
    text: str
    same_as: User | None = None


def email_faults() -> Iterator[EmailFault]:
    """Yield people whose address cannot receive mail, or equals the address of another account.

    Both can come from a version that did not compare domains by UTS 46.
    """
    for user in User.objects.order_by("pk").iterator():
        try:
            mail_address(user.email)
        except Unmailable as error:
            yield EmailFault(user, str(error))
        key = fold_email(user.email)
        other = None if key == user.email_key else User.objects.filter(email_key=key).first()
        if other:
            yield EmailFault(user, f"is the same mailbox as {other.email}, which logs in first", other)


def _key(member: str, text: str) -> str:
    if not text.isprintable():  # no name contains one, and some databases reject a query with it
        raise Invalid(member, "contains an unprintable character")
    return fold(text)


def person_of(caller: Caller) -> User:
    """Return the calling person. Raises NotAllowed if the caller is not a person or was just deleted."""
    found = User.objects.filter(pk=caller.principal.user_id or 0).first()
    if found is None:
        raise NotAllowed("Only a person can do this: log in.")
    return found


def lock(row: Row) -> Row:
    """Return a fresh copy of the row, locked until this transaction ends.

    Raises NotFound if the row was deleted.
    """
    rows = type(row)._default_manager.select_for_update()
    found = rows.filter(pk=row.pk).first()
    if found is None:
        raise NotFound(Sentence("%(row)s no longer exists.", row=row))
    return found


def lock_owners(organizations: Iterable[int | None], people: Iterable[int | None]) -> None:
    """Lock the owners with these primary keys; other transactions may still add rows that refer to them."""
    for table, numbers in ((Organization, organizations), (User, people)):
        for rows in in_batches(table._default_manager.select_for_update(no_key=True), filter(None, numbers)):
            list(rows.values_list("pk"))
