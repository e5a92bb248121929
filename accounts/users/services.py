"""Use cases of people: create, change and delete them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import QuerySet
from msgspec import UNSET

from access.leases import wait_out_leases
from access.principals import Caller
from accounts.idempotency.services import Claim, take
from accounts.mail.email_change import tell_of_change
from accounts.models import Organization, User
from accounts.notifications.kinds import chosen_by_another
from accounts.organizations.services import add_member
from accounts.passwords.rules import check_password_rules
from accounts.passwords.services import cancel_links, end_access_of, tell_owner
from accounts.users import authority, names
from accounts.users.changes import UserChanges
from accounts.users.lookups import lock
from accounts.users.owners import delete_owner
from accounts.users.preferences import CLEANING, clean_own_name, cleaned
from accounts.users.store import insert_user, write_user
from audit.actors import Target
from audit.events import EventName
from audit.log import Entry, record, record_all
from config import profiles
from config.wire.errors import Conflict, Invalid, Sentence
from config.wire.preconditions import ANY_VERSION, Expected

POWERS = ("is_active", "role", "is_superuser")
PROVEN = frozenset({"email", "password"})  # people change their own where they prove who they are
OF_PERSONS = PROVEN | {"must_have_second_factor"}  # programs cannot change these
SWITCHES = {  # the events that record that a column was set and that it was cleared
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
    claim: Claim | None = None,
) -> User:
    """Create a person, with a role and memberships that the caller, who is a person, may grant.

    Raises NotAllowed, Invalid (naming the member), or Conflict if the name or address is taken; and as `take`
    does for the `claim`.
    """
    authority.check_may_manage_users(caller)
    authority.check_is_person(
        caller, "Programs cannot create accounts with a password: invite people instead."
    )
    user = User(
        username=_clean_username(username),
        email=names.clean_email(email),
        name=clean_own_name(name),
        role=authority.clean_global_role(caller, role),
        is_superuser=authority.clean_superuser(caller, is_superuser),
    )
    check_password_rules(password, user)
    user.set_password(password)
    with transaction.atomic():
        take(claim, user.uuid)
        for organization in sorted({organization for organization, _ in memberships}, key=lambda row: row.pk):
            lock(organization)  # before the first event: recording must not wait for rows
        insert_user(user)
        for organization, organization_role in memberships:
            add_member(caller=caller, organization=organization, user=user, role=organization_role)
        target, detail = Target.of("user", user), {"role": role, "superuser": is_superuser}
        actor, origin = caller.principal.actor, caller.origin
        record(EventName.USER_CREATED, actor=actor, origin=origin, target=target, detail=detail)
    return user


def update_user(
    *, caller: Caller, user: User, changes: UserChanges, expected: Expected = ANY_VERSION
) -> User:
    """Change members of a person, and return the person as they are now.

    Deactivation and a new password end all their sessions and all their consents to OAuth2 clients;
    reactivation does not restore them. The last active superuser or holder of an all-powerful role cannot
    lose that power. Programs cannot change OF_PERSONS or grant power over others. Nobody chooses the security
    mails of another person.
    Raises NotAllowed, Invalid, Conflict, NotFound or PreconditionFailed.
    """
    columns = changes.given()
    if changes.password is not UNSET:  # hashing is slow, so it comes before the locks
        authority.check_may_manage_users(caller)
        _check_of_persons(caller, columns)
        columns["password"] = _hashed(changes.password, user, columns)
    with transaction.atomic():
        _update(caller, [user], columns, expected)
        return User.objects.get(pk=user.pk)


def update_users(*, caller: Caller, selected: Iterable[User], changes: UserChanges) -> int:
    """Change people as `update_user` does, all or none. Return how many were changed.

    Raises Invalid for a password, because people do not share one.
    """
    if changes.password is not UNSET:
        raise Invalid("password", "can be set for only one person at a time")
    return _update(caller, selected, changes.given(), ANY_VERSION)


def _update(caller: Caller, selected: Iterable[User], columns: Mapping[str, Any], expected: Expected) -> int:
    authority.check_may_manage_users(caller)
    selected = sorted(selected, key=lambda user: user.pk)
    with transaction.atomic():
        admins = _locked_admins(selected)
        rows = [_locked(caller, user, expected) for user in selected]
        changed = [(row, _write(caller, row, columns)) for row in rows]
        for row, written in changed:
            _check_an_admin_stays(admins, row, next((name for name in POWERS if name in written), "role"))
        entries = [entry for row, written in changed for entry in _changes(row, written)]
        record_all(entries, actor=caller.principal.actor, origin=caller.origin)
        wait_out_leases()  # no-op changes wait, too: another request may have just made the change
    return sum(bool(written) for _, written in changed)


def _write(caller: Caller, row: User, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Write the changes to a person, with their consequences. Return the columns that changed."""
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
    """Set a person's password and end all their sessions. Raises NotAllowed or Invalid."""
    update_user(caller=caller, user=user, changes=UserChanges(password=password))


def delete_user(*, caller: Caller, user: User, expected: Expected = ANY_VERSION) -> None:
    """Delete a person with their memberships, sessions and API keys. The audit log keeps what they did.

    Raises NotAllowed, NotFound or PreconditionFailed, and Conflict for the caller's own account and for the
    last administrator.
    """
    delete_users(caller=caller, selected=[user], expected=expected)


def delete_users(*, caller: Caller, selected: Iterable[User], expected: Expected = ANY_VERSION) -> None:
    """Delete people as `delete_user` does, all or none."""
    authority.check_may_manage_users(caller)
    selected = sorted(selected, key=lambda user: user.pk)
    with transaction.atomic():
        admins = _locked_admins(selected)
        rows = [_deletable(caller, user, expected) for user in selected]
        deleted = [(row, Target.of("user", row), delete_owner(row)) for row in rows]
        for row in rows:
            _check_an_admin_stays(admins, row, "id")
        entries = [
            Entry(EventName.USER_DELETED, target, {"role": row.role, "api_keys": gone["apikeys.ApiKey"]})
            for row, target, gone in deleted
        ]
        record_all(entries, actor=caller.principal.actor, origin=caller.origin)


def _deletable(caller: Caller, user: User, expected: Expected) -> User:
    """Return the person, locked. Raises as `_locked`, and Conflict for the caller's own account."""
    if user.pk == caller.principal.user_id:
        raise Conflict("id", "you cannot delete your own account")
    return _locked(caller, user, expected)


def _locked_admins(others: Iterable[User]) -> set[int]:
    """Lock all administrators and `others`, and return the primary keys of the administrators.

    The lock serializes changes to administrators, so the last one stays. All are locked together, because
    people are always locked in the order of their primary keys.
    """
    people = _admins() | User.objects.filter(pk__in=[user.pk for user in others])
    almighty = _almighty_roles()
    return {
        row.pk
        for row in people.select_for_update().order_by("pk")
        if row.is_active and (row.is_superuser or row.role in almighty)
    }


def _admins() -> QuerySet[User]:
    """Return the active people who may do everything everywhere."""
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
        raise Conflict(member, "at least one administrator must remain")


def _locked(caller: Caller, user: User, expected: Expected) -> User:
    """Return the person as they are now, locked.

    Raises NotFound, NotAllowed to change them, or PreconditionFailed.
    """
    row = lock(user)
    authority.check_not_above(caller, row)
    expected.check(row)
    return row


def _check_own(caller: Caller, user: User, changed: Mapping[str, Any]) -> None:
    own = PROVEN & set(changed)
    if own and user.pk == caller.principal.user_id:
        raise Invalid(
            min(own), Sentence("you cannot change your own here; use auth/change-%(what)s", what=min(own))
        )


def _check_of_persons(caller: Caller, changed: Mapping[str, Any]) -> None:
    """Raise NotAllowed if a program changes what only a logged-in person may change."""
    for column in sorted(OF_PERSONS & set(changed)):
        words = column.replace("_", " ")
        authority.check_is_person(
            caller, Sentence("Programs cannot change this (%(words)s): log in to do it.", words=words)
        )


def _hashed(password: str, user: User, columns: Mapping[str, Any]) -> str:
    """Check the new password against the names that the person will have, and return its hash."""
    named = User(username=columns.get("username", user.username), email=columns.get("email", user.email))
    check_password_rules(password, named)
    return make_password(password)


def _changed(caller: Caller, user: User, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns whose value changes, checked and cleaned."""
    wanted = cleaned({column: value for column, value in changes.items() if getattr(user, column) != value})
    if "notifications" in wanted:
        wanted["notifications"] = chosen_by_another(wanted["notifications"], user.notifications)
    if "username" in wanted:
        wanted["username"] = _clean_username(wanted["username"])
    if "email" in wanted:
        wanted["email"] = names.clean_email(wanted["email"])
    if "role" in wanted:
        wanted["role"] = authority.clean_global_role(caller, wanted["role"])
    if "is_superuser" in wanted:
        wanted["is_superuser"] = authority.clean_superuser(caller, wanted["is_superuser"])
    return {column: value for column, value in wanted.items() if getattr(user, column) != value}


def _clean_username(username: str | None) -> str | None:
    if username:
        return names.clean_username(username)
    if profiles.active().login.identifiers == ("username",):
        raise Invalid("username", "is required, because people log in with it")
    return None


def _changes(user: User, changed: Mapping[str, Any]) -> Iterator[Entry]:
    """Yield the audit entries for changes to a person; `user` is the person before them."""
    target = Target.of("user", user)
    for column, (is_set, is_not) in SWITCHES.items():
        if column in changed:
            yield Entry(is_set if changed[column] else is_not, target)
    for column, label in (("role", "role"), ("is_superuser", "superuser")):
        if column in changed:
            detail = {"from": getattr(user, column), "to": changed[column], "what": label}
            yield Entry(EventName.ROLE_CHANGED, target, detail)
    members = sorted({"username", "email", *CLEANING} & set(changed))
    if members:
        yield Entry(EventName.USER_CHANGED, target, {"members": members})
    if "password" in changed:
        yield Entry(EventName.PASSWORD_CHANGED, target)
