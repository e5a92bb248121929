"""What people change about themselves: their name, and their password by showing the current one."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction

from access.leases import wait_out_leases
from access.principals import Caller
from accounts import hooks
from accounts.models import Session, User
from accounts.passwords.rules import check_password_rules
from accounts.passwords.services import cancel_links, end_access_of, tell_owner
from accounts.second_factor.verification import device_of
from accounts.sessions.services import WRONG, as_actor, check_identity, check_second_factor
from accounts.sessions.termination import end_sessions
from accounts.throttling.services import attempt, succeeded
from accounts.users import names
from accounts.users.lookups import lock, person_of
from audit.actors import ANONYMOUS, Origin, Target
from audit.events import EventName
from audit.log import record
from config.limits import Limit
from config.wire.errors import Invalid, InvalidCredentials


def change_own_name(*, caller: Caller, name: str) -> None:
    """Give the caller another name, or none. Raises Invalid."""
    name = names.clean_name("name", name) if name else ""
    with transaction.atomic():
        user = lock(person_of(caller))
        if user.name != name:
            User.objects.filter(pk=user.pk).update(name=name)
            _record(EventName.USER_CHANGED, caller, user, {"members": ["name"]})
        wait_out_leases()  # the request that changed it may still be waiting


def knows_password(caller: Caller, user: User, password: str) -> bool:
    """Whether the caller, who is `user`, shows their password. Counted; raises TooManyAttempts."""
    subject, origin = str(user.uuid), caller.origin
    actor, target = caller.principal.actor, Target.of("user", user)
    attempt(Limit.OWN_PASSWORD, subject=subject, origin=origin, actor=actor, target=target)
    if not check_password(password, user.password):
        return False
    succeeded(Limit.OWN_PASSWORD, subject=subject, origin=origin)
    return True


def prove(caller: Caller, current: str) -> User:
    """Return the caller, who shows their current password (ASVS 7.5.1).

    Raises TooManyAttempts, or Invalid, naming `current_password`, which is recorded.
    """
    user = person_of(caller)
    if not knows_password(caller, user, current):
        _record(EventName.PASSWORD_REFUSED, caller, user, {"reason": "wrong current password"})
        raise Invalid("current_password", "is wrong")
    return user


def change_own_password(*, caller: Caller, current: str, new: str) -> None:
    """Give the caller a new password. All else that acts as them ends, but this session and API keys.

    That is their other sessions, logins to the admin and consents to OAuth2 clients (ASVS 7.4.3).

    Raises TooManyAttempts, or Invalid, naming `current_password` if that is wrong, which is recorded, or
    `new_password`.
    """
    user = prove(caller, current)
    check_password_rules(new, user, member="new_password")
    hashed = make_password(new)
    with transaction.atomic():
        same = User.objects.filter(pk=user.pk, password=user.password)
        if not same.update(password=hashed):
            raise Invalid("current_password", "is wrong: somebody has just changed it")
        others = Session.objects.filter(user=user).exclude(uuid=caller.principal.credential.id)
        end_sessions(others, caller.origin.at)
        hooks.tell(hooks.access_ended, user)
        cancel_links(user)
        tell_owner(user, caller.origin)
        _record(EventName.PASSWORD_CHANGED, caller, user, {})


def change_password_by_name(
    *, identifier: str, current_password: str, totp_code: str, new_password: str, origin: Origin
) -> None:
    """Give a person who shows what a login takes a new password. Only API keys go on acting as them.

    Raises as a login does (`accounts.sessions.services`), or Invalid, naming `new_password`; then no code is
    spent, and the refusal is recorded, since the caller knew the password.
    """
    user = check_identity(identifier=identifier, password=current_password, origin=origin)
    target = Target.of("user", user)
    try:
        check_password_rules(new_password, user, member="new_password")
    except Invalid:
        detail = {"reason": "new password"}
        record(EventName.PASSWORD_REFUSED, actor=ANONYMOUS, origin=origin, target=target, detail=detail)
        raise
    proof = check_second_factor(user=user, code=totp_code, origin=origin)
    hashed = make_password(new_password)
    with transaction.atomic():
        same = User.objects.filter(pk=user.pk, password=user.password, is_active=True)
        # A second factor is added, removed or recovered under the lock of the person, too.
        if not same.update(password=hashed) or device_of(user) != (proof.device if proof else None):
            raise InvalidCredentials(WRONG)
        end_access_of(user, origin.at)
        tell_owner(user, origin)
        detail = {"by": "page"}
        record(EventName.PASSWORD_CHANGED, actor=as_actor(user), origin=origin, target=target, detail=detail)


def _record(name: EventName, caller: Caller, user: User, detail: Mapping[str, Any]) -> None:
    actor, target = caller.principal.actor, Target.of("user", user)
    record(name, actor=actor, origin=caller.origin, target=target, detail=detail)
