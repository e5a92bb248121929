"""Use cases around people: add one, change one, delete one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import QuerySet
from msgspec import UNSET

from access.leases import wait_out_leases
from access.principals import Caller
from accounts.mail.email_change import tell_of_change
from accounts.models import Organization, User
from accounts.organizations.services import add_member
from accounts.passwords.rules import check_password_rules
from accounts.passwords.services import cancel_links, end_access_of, tell_owner
from accounts.users import authority, names
from accounts.users.changes import UserChanges
from accounts.users.lookups import lock
from accounts.users.owners import delete_owner
from accounts.users.store import insert_user, write_user
from audit.actors import Target
from audit.events import EventName
from audit.log import Entry, record, record_all
from config import profiles
from config.wire.errors import Conflict, Invalid

POWERS = ("is_active", "role", "is_superuser")
PROVEN = frozenset({"email", "password"})  # one's own are changed by whoever proves to be oneself
OF_PERSONS = PROVEN | {"must_have_second_factor"}  # what no program changes, since that outlives the program
SWITCHES = {  # what is recorded when one of these columns is set, and when it is not any more
    "is_active": (EventName.USER_REACTIVATED, EventName.USER_DEACTIVATED),
    "must_have_second_factor": (EventName.SECOND_FACTOR_REQUIRED, EventName.SECOND_FACTOR_WAIVED),
}


def create_user(
    *,
    caller: Caller,
    email: str,
    role: str,
    password: str,
    username: str | None = None,
    name: str = "",
    is_superuser: bool = False,
    memberships: Sequence[tuple[Organization, str]] = (),
) -> User:
    """Add a person, with a role and memberships that the caller, who is a person, may hand out.

    Raises NotAllowed, Invalid (naming the member), or Conflict if the name or address is taken.
    """
    authority.check_may_manage_users(caller)
    authority.check_is_person(caller, "A program makes no account with a password: it invites people.")
    user = User(
        username=_clean_username(username),
        email=names.clean_email(email),
        name=_clean_name(name),
        role=authority.clean_global_role(caller, role),
        is_superuser=authority.clean_superuser(caller, is_superuser),
    )
    check_password_rules(password, user)
    user.set_password(password)
    with transaction.atomic():
        for organization in sorted({organization for organization, _ in memberships}, key=lambda row: row.pk):
            lock(organization)  # all of them before the first event: whoever records waits for no row
        insert_user(user)
        for organization, organization_role in memberships:
            add_member(caller=caller, organization=organization, user=user, role=organization_role)
        target, detail = Target.of("user", user), {"role": role, "superuser": is_superuser}
        actor, origin = caller.principal.actor, caller.origin
        record(EventName.USER_CREATED, actor=actor, origin=origin, target=target, detail=detail)
    return user


def update_user(*, caller: Caller, user: User, changes: UserChanges) -> User:
    """Change members of a person, and return the person as they are now.

    Deactivating and a new password end all their sessions and all that they allow to OAuth2 clients;
    reactivating brings none back. The last active
    superuser or holder of an all-powerful role stays. A program changes none of OF_PERSONS, and gives nobody
    power over others. Raises NotAllowed, Invalid, Conflict or NotFound.
    """
    columns = changes.given()
    if changes.password is not UNSET:  # hashed before anything is locked: it takes a while
        authority.check_may_manage_users(caller)
        _check_of_persons(caller, columns)
        columns["password"] = _hashed(changes.password, user, columns)
    with transaction.atomic():
        _update(caller, [user], columns)
        return User.objects.get(pk=user.pk)


def update_users(*, caller: Caller, selected: Iterable[User], changes: UserChanges) -> int:
    """Change people as `update_user` does: all of them or none. Return how many are not as they were.

    Raises Invalid for a password: people have passwords of their own.
    """
    if changes.password is not UNSET:
        raise Invalid("password", "is given to one person at a time")
    return _update(caller, selected, changes.given())


def _update(caller: Caller, selected: Iterable[User], columns: Mapping[str, Any]) -> int:
    authority.check_may_manage_users(caller)
    selected = sorted(selected, key=lambda user: user.pk)
    with transaction.atomic():
        admins = _locked_admins(selected)
        rows = [_locked(caller, user) for user in selected]
        changed = [(row, _write(caller, row, columns)) for row in rows]
        for row, written in changed:
            _check_an_admin_stays(admins, row, next((name for name in POWERS if name in written), "role"))
        entries = [entry for row, written in changed for entry in _changes(row, written)]
        record_all(entries, actor=caller.principal.actor, origin=caller.origin)
        wait_out_leases()  # the request that made the change may still be waiting
    return sum(bool(written) for _, written in changed)


def _write(caller: Caller, row: User, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Write what is to be another about a person, and all that follows; return the columns."""
    changed = _changed(caller, row, changes)
    _check_of_persons(caller, changed)
    _check_own(caller, row, changed)
    if changed.get("is_active"):
        authority.check_may_give(caller, authority.power_of(row), f"{row}, once active,")
    write_user(row, changed)
    if changed.get("is_active") is False or "password" in changed:
        end_access_of(row, caller.origin.at)
    if "email" in changed:
        cancel_links(row)
    if "password" in changed:
        tell_owner(row, caller.origin)
    if "email" in changed:
        tell_of_change(row.email, changed["email"], origin=caller.origin)
    return changed


def set_password(*, caller: Caller, user: User, password: str) -> None:
    """Give a person a new password; all their sessions end. Raises NotAllowed or Invalid."""
    update_user(caller=caller, user=user, changes=UserChanges(password=password))


def delete_user(*, caller: Caller, user: User) -> None:
    """Delete a person with their memberships, sessions and API keys. What they did stays in the audit log.

    Raises NotAllowed, NotFound, or Conflict: for oneself, and for the last administrator.
    """
    delete_users(caller=caller, selected=[user])


def delete_users(*, caller: Caller, selected: Iterable[User]) -> None:
    """Delete people as `delete_user` does: all of them, or, if one has to stay, none."""
    authority.check_may_manage_users(caller)
    selected = sorted(selected, key=lambda user: user.pk)
    with transaction.atomic():
        admins = _locked_admins(selected)
        rows = [_deletable(caller, user) for user in selected]
        deleted = [(row, Target.of("user", row), delete_owner(row)) for row in rows]
        for row in rows:
            _check_an_admin_stays(admins, row, "id")
        entries = [
            Entry(EventName.USER_DELETED, target, {"role": row.role, "api_keys": gone["apikeys.ApiKey"]})
            for row, target, gone in deleted
        ]
        record_all(entries, actor=caller.principal.actor, origin=caller.origin)


def _deletable(caller: Caller, user: User) -> User:
    """Return the person, locked. Raises NotFound, NotAllowed, or Conflict for oneself."""
    if user.pk == caller.principal.user_id:
        raise Conflict("id", "this is your own account, which you cannot delete")
    return _locked(caller, user)


def _locked_admins(others: Iterable[User]) -> set[int]:
    """The numbers of those who may do everything, locked: one goes at a time, so that the last one stays.

    With them `others` are locked, since whoever locks several people does it in the order of their numbers.
    """
    people = _admins() | User.objects.filter(pk__in=[user.pk for user in others])
    almighty = _almighty_roles()
    return {
        row.pk
        for row in people.select_for_update().order_by("pk")
        if row.is_active and (row.is_superuser or row.role in almighty)
    }


def _admins() -> QuerySet[User]:
    """The active people who may do everything, everywhere."""
    people = User.objects.filter(is_active=True)
    return people.filter(is_superuser=True) | people.filter(role__in=_almighty_roles())


def _almighty_roles() -> list[str]:
    profile = profiles.active()
    return [
        name
        for name in profile.roles_of_level("global")
        if profile.power_of_role(name, "global") == profile.everything
    ]


def _check_an_admin_stays(before: set[int], user: User, member: str) -> None:
    if user.pk in before and not _admins().exists():
        raise Conflict(member, "somebody must stay administrator")


def _locked(caller: Caller, user: User) -> User:
    """Return the person as they are now, locked. Raises NotFound, or NotAllowed to change them."""
    row = lock(user)
    authority.check_not_above(caller, row)
    return row


def _check_own(caller: Caller, user: User, changed: Mapping[str, Any]) -> None:
    own = PROVEN & set(changed)
    if own and user.pk == caller.principal.user_id:
        raise Invalid(min(own), "your own is not changed here, but where you prove that it is you")


def _check_of_persons(caller: Caller, changed: Mapping[str, Any]) -> None:
    """Raise NotAllowed if a program changes what only somebody who has logged in may change."""
    for column in sorted(OF_PERSONS & set(changed)):
        words = column.replace("_", " ")
        authority.check_is_person(caller, f"A program cannot change this ({words}): log in for that.")


def _hashed(password: str, user: User, columns: Mapping[str, Any]) -> str:
    """The hash of the new password, which must be good for the person as they will be named."""
    named = User(username=columns.get("username", user.username), email=columns.get("email", user.email))
    check_password_rules(password, named)
    return make_password(password)


def _changed(caller: Caller, user: User, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that get another value, checked and cleaned."""
    wanted = {column: value for column, value in changes.items() if getattr(user, column) != value}
    if "username" in wanted:
        wanted["username"] = _clean_username(wanted["username"])
    if "email" in wanted:
        wanted["email"] = names.clean_email(wanted["email"])
    if "name" in wanted:
        wanted["name"] = _clean_name(wanted["name"])
    if "role" in wanted:
        wanted["role"] = authority.clean_global_role(caller, wanted["role"])
    if "is_superuser" in wanted:
        wanted["is_superuser"] = authority.clean_superuser(caller, wanted["is_superuser"])
    return {column: value for column, value in wanted.items() if getattr(user, column) != value}


def _clean_name(name: str) -> str:
    return names.clean_name("name", name) if name else ""


def _clean_username(username: str | None) -> str | None:
    if username:
        return names.clean_username(username)
    if profiles.active().login.identifiers == ("username",):
        raise Invalid("username", "is needed: people log in by it")
    return None


def _changes(user: User, changed: Mapping[str, Any]) -> Iterator[Entry]:
    """What is recorded of a person's changes; `user` is the person as they were."""
    target = Target.of("user", user)
    for column, (is_set, is_not) in SWITCHES.items():
        if column in changed:
            yield Entry(is_set if changed[column] else is_not, target)
    for column, label in (("role", "role"), ("is_superuser", "superuser")):
        if column in changed:
            detail = {"from": getattr(user, column), "to": changed[column], "what": label}
            yield Entry(EventName.ROLE_CHANGED, target, detail)
    members = sorted({"name", "username", "email"} & set(changed))
    if members:
        yield Entry(EventName.USER_CHANGED, target, {"members": members})
    if "password" in changed:
        yield Entry(EventName.PASSWORD_CHANGED, target)
