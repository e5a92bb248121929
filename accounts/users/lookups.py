"""Finding people and organizations: by the names that operators and logins type, and again under a lock."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeVar

from django.db.models import Model, Q

from access.principals import Caller
from accounts.models import Organization, User
from accounts.users.names import Unmailable, fold, fold_email, mail_address
from config import profiles
from config.database.rows import in_batches
from config.wire.errors import Invalid, NotAllowed, NotFound

FOLDS = {"username": fold, "email": fold_email}
Row = TypeVar("Row", bound=Model)


def user_named(text: str) -> User:
    """Return the user with this user name or e-mail address. Raises Invalid."""
    named = User.objects.filter(username_key=_key("user", text)).first()
    found = named or User.objects.filter(email_key=fold_email(text)).first()
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
    match = Q()
    for kind in profiles.active().login.identifiers:
        match |= Q(**{f"{kind}_key": FOLDS[kind](identifier)})
    return User.objects.filter(match).first()


def throttled_as(identifier: str) -> str:
    """Return the subject under which logins are counted: the same for all spellings that find one user."""
    return fold(fold_email(identifier))


class EmailFault(NamedTuple):
    """What is wrong with somebody's address; `same_as` has the same mailbox."""

    user: User
    text: str
    same_as: User | None = None


def email_faults() -> Iterator[EmailFault]:
    """People with an address that no mail reaches, or that is written otherwise in another account.

    Addresses that were stored before domains were compared by UTS 46 can be so.
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
    if not text.isprintable():  # nobody has such a name, and not every database can be asked for it
        raise Invalid(member, "holds a character that no name has")
    return fold(text)


def person_of(caller: Caller) -> User:
    """Return the person who calls. Raises NotAllowed if that is nobody, or nobody any more."""
    found = User.objects.filter(pk=caller.principal.user_id or 0).first()
    if found is None:
        raise NotAllowed("This is for people.")
    return found


def lock(row: Row) -> Row:
    """Return somebody or something as it is now, locked: nobody deletes it before this transaction ends.

    Raises NotFound if somebody has.
    """
    rows = type(row)._default_manager.select_for_update()
    found = rows.filter(pk=row.pk).first()
    if found is None:
        raise NotFound(f"{row} is not there any more.")
    return found


def lock_owners(organizations: Iterable[int | None], people: Iterable[int | None]) -> None:
    """Lock the owners with these numbers before what is theirs; others may go on referring to them."""
    for table, numbers in ((Organization, organizations), (User, people)):
        for rows in in_batches(table._default_manager.select_for_update(no_key=True), filter(None, numbers)):
            list(rows.values_list("pk"))
