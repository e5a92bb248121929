"""Use cases around people: add one, change one."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from accounts import names
from accounts.models import Membership, Organization, User
from accounts.passwords import check_password_rules
from accounts.principals import Caller
from accounts.services.organizations import add_member
from accounts.services.passwords import cancel_resets, replace_password
from accounts.services.sessions import end_all_sessions
from audit.actors import Target
from audit.events import EventName
from audit.log import record
from config import profiles
from config.errors import Conflict, Invalid, NotAllowed
from config.profiles import Capability


def create_user(
    *,
    caller: Caller,
    email: str,
    role: str,
    password: str,
    username: str | None = None,
    name: str = "",
    is_superuser: bool = False,
    memberships: Iterable[tuple[Organization, str]] = (),
) -> User:
    """Add a person, with a role and memberships that the caller may hand out.

    Raises NotAllowed, Invalid (naming the member), or Conflict if the name or address is taken.
    """
    _check_may_manage(caller)
    user = User(
        username=names.clean_username(username) if username else None,
        email=names.clean_email(email),
        name=names.clean_name("name", name) if name else "",
        role=_clean_role(caller, role),
        is_superuser=_clean_superuser(caller, is_superuser),
    )
    check_password_rules(password, user)
    user.set_password(password)
    with transaction.atomic():
        insert_user(user)
        for organization, organization_role in memberships:
            add_member(caller=caller, organization=organization, user=user, role=organization_role)
        _record(EventName.USER_CREATED, caller, user, {"role": role, "superuser": is_superuser})
    return user


def insert_user(user: User) -> None:
    """Store a new person. Raises Conflict, naming the member, if the name or address is taken."""
    check_free(user)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError:  # somebody was quicker
        check_free(user)
        raise


def check_free(user: User) -> None:
    """Raise Conflict if another user has the user name or e-mail address of `user`."""
    others = User.objects.exclude(pk=user.pk)
    if user.username and others.filter(username_key=names.fold(user.username)).exists():
        raise Conflict("username", f"{user.username} is taken")
    if others.filter(email_key=names.fold(user.email)).exists():
        raise Conflict("email", f"{user.email} is taken")


def update_user(*, caller: Caller, user: User, changes: Mapping[str, Any]) -> User:
    """Change `name`, `role`, `is_active` or `is_superuser` of a person; other members are an error.

    Deactivating ends all their sessions; reactivating brings none back. The last active superuser
    or holder of an all-powerful role stays. Raises NotAllowed, Invalid or Conflict.
    """
    _check_may_manage(caller)
    unknown = set(changes) - {"name", "role", "is_active", "is_superuser"}
    if unknown:
        raise Invalid(min(unknown), "cannot be changed here")
    with transaction.atomic():
        admins = list(_admins().select_for_update().order_by("pk"))  # one at a time: the last one must stay
        user = User.objects.select_for_update().get(pk=user.pk)
        _check_not_above(caller, user)
        changed = _changed(caller, user, changes)
        User.objects.filter(pk=user.pk).update(**changed)
        if any(admin.pk == user.pk for admin in admins) and not _admins().exists():
            member = next(name for name in ("is_active", "role", "is_superuser") if name in changed)
            raise Conflict(member, "somebody must stay administrator")
        if changed.get("is_active") is False:
            end_all_sessions(user, caller.origin.at)
            cancel_resets(user)
        _record_changes(caller, user, changed)
    return User.objects.get(pk=user.pk)


def _admins() -> QuerySet[User]:
    """The active people who may do everything, everywhere."""
    profile = profiles.active()
    almighty = [
        name
        for name in profile.roles_of_level("global")
        if profile.power_of_role(name, "global") == profile.everything
    ]
    people = User.objects.filter(is_active=True)
    return people.filter(is_superuser=True) | people.filter(role__in=almighty)


def _changed(caller: Caller, user: User, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that get another value, checked and cleaned."""
    wanted = dict(changes)
    if wanted.get("name"):
        wanted["name"] = names.clean_name("name", wanted["name"])
    if "role" in wanted and wanted["role"] != user.role:
        wanted["role"] = _clean_role(caller, wanted["role"])
    if "is_superuser" in wanted:
        wanted["is_superuser"] = _clean_superuser(caller, wanted["is_superuser"])
    return {column: value for column, value in wanted.items() if getattr(user, column) != value}


def _record_changes(caller: Caller, user: User, changed: Mapping[str, Any]) -> None:
    if "is_active" in changed:
        name = EventName.USER_REACTIVATED if changed["is_active"] else EventName.USER_DEACTIVATED
        _record(name, caller, user, {})
    for column, label in (("role", "role"), ("is_superuser", "superuser")):
        if column in changed:
            detail = {"from": getattr(user, column), "to": changed[column], "what": label}
            _record(EventName.ROLE_CHANGED, caller, user, detail)
    if "name" in changed:
        _record(EventName.USER_CHANGED, caller, user, {"members": ["name"]})


def set_password(*, caller: Caller, user: User, password: str) -> None:
    """Give a person a new password; their sessions end, a mail says so. Raises NotAllowed or Invalid."""
    _check_may_manage(caller)
    _check_not_above(caller, user)
    check_password_rules(password, user)
    user.set_password(password)
    with transaction.atomic():
        replace_password(user=user, hashed=user.password, origin=caller.origin)
        _record(EventName.PASSWORD_CHANGED, caller, user, {})


def _check_may_manage(caller: Caller) -> None:
    if not caller.principal.may(Capability.MANAGE_USERS):
        raise NotAllowed("You may not manage people.")


def _check_not_above(caller: Caller, user: User) -> None:
    """Nobody changes a person who may do more than they do."""
    profile = profiles.active()
    held = profile.everything if user.is_superuser else profile.power_of_role(user.role, "global")
    for membership in Membership.objects.filter(user=user):
        held |= profile.power_of_role(membership.role, "organization")
    if not held <= caller.principal.everywhere:
        raise NotAllowed(f"{user} may do more than you.")


def _clean_role(caller: Caller, role: str) -> str:
    profile = profiles.active()
    known = profile.roles_of_level("global")
    if role not in known:
        raise Invalid("role", f"there is no such role; there are: {', '.join(known)}")
    if not profile.power_of_role(role, "global") <= caller.principal.everywhere:
        raise NotAllowed(f"The role {role} allows more than you may do.")
    return role


def _clean_superuser(caller: Caller, is_superuser: bool) -> bool:
    if is_superuser and not profiles.active().everything <= caller.principal.everywhere:
        raise NotAllowed("A superuser may do more than you.")
    return is_superuser


def _record(name: EventName, caller: Caller, user: User, detail: Mapping[str, Any]) -> None:
    actor, target = caller.principal.actor, Target.of("user", user)
    record(name, actor=actor, origin=caller.origin, target=target, detail=detail)
