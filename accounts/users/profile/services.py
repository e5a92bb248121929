"""Use cases of people who change themselves: their profile, and their password by proving the current one."""

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
from accounts.sessions.identity import WRONG, as_actor, check_identity, check_second_factor
from accounts.sessions.termination import end_sessions
from accounts.throttling.services import attempt, succeeded
from accounts.users.changes import ProfileChanges
from accounts.users.lookups import lock, person_of
from accounts.users.preferences import cleaned
from audit.actors import ANONYMOUS, Origin, Target
from audit.events import EventName
from audit.log import record
from config.database.rows import edit
from config.limits import Limit
from config.wire.errors import Invalid, InvalidCredentials
from config.wire.preconditions import ANY_VERSION, Expected


def change_own_profile(*, caller: Caller, changes: ProfileChanges, expected: Expected = ANY_VERSION) -> None:
    """Change the caller's name, language, time zone or mails; each may be empty.

    Raises Invalid or PreconditionFailed.
    """
    wanted = cleaned(changes.given())
    with transaction.atomic():
        user = lock(person_of(caller))
        expected.check(user)
        changed = {column: value for column, value in wanted.items() if getattr(user, column) != value}
        if changed:
            edit(User.objects.filter(pk=user.pk), **changed)
            _record(EventName.USER_CHANGED, caller, user, {"members": sorted(changed)})
        wait_out_leases()  # no-op changes wait, too: another request may have just made the change


def knows_password(caller: Caller, user: User, password: str) -> bool:
    """Count an attempt, and return whether `password` is right for the caller. Raises TooManyAttempts."""
    subject, origin = str(user.uuid), caller.origin
    actor, target = caller.principal.actor, Target.of("user", user)
    attempt(Limit.OWN_PASSWORD, subject=subject, origin=origin, actor=actor, target=target)
    if not check_password(password, user.password):
        return False
    succeeded(Limit.OWN_PASSWORD, subject=subject, origin=origin)
    return True


def prove(caller: Caller, current: str) -> User:
    """Return the caller if `current` is their password (ASVS 7.5.1).

    Raises TooManyAttempts, or Invalid, naming `current_password`; a wrong password is recorded.
    """
    user = person_of(caller)
    if not knows_password(caller, user, current):
        _record(EventName.PASSWORD_REFUSED, caller, user, {"reason": "wrong current password"})
        raise Invalid("current_password", "is wrong")
    return user


def change_own_password(*, caller: Caller, current: str, new: str) -> None:
    """Change the caller's password and end their other access (ASVS 7.4.3).

    Their other sessions and consents to OAuth2 clients end. This session and their API
    keys stay.

    Raises TooManyAttempts, or Invalid, naming `current_password` or `new_password`; a wrong current password
    is recorded.
    """
    user = prove(caller, current)
    check_password_rules(new, user, member="new_password")
    hashed = make_password(new)
    with transaction.atomic():
        same = User.objects.filter(pk=user.pk, password=user.password)
        if not edit(same, password=hashed):
            raise Invalid("current_password", "is wrong: the password was just changed")
        others = Session.objects.filter(user=user).exclude(uuid=caller.principal.credential.id)
        end_sessions(others, caller.origin.at)
        hooks.tell(hooks.access_ended, user)
        cancel_links(user)
        tell_owner(user, caller.origin)
        _record(EventName.PASSWORD_CHANGED, caller, user, {})


def change_password_by_name(
    *, identifier: str, current_password: str, totp_code: str, new_password: str, origin: Origin
) -> None:
    """Change the password of a person who is not logged in but shows what a login needs.

    All their access ends except API keys. Raises what a login raises (`accounts.sessions.services`), or
    Invalid, naming `new_password`: then no code is spent, and the refusal is recorded because the caller
    knew the current password.
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
        # The update locks the person; services that change the second factor take the same lock.
        if not edit(same, password=hashed) or device_of(user) != (proof.device if proof else None):
            raise InvalidCredentials(WRONG)
        end_access_of(user, origin.at)
        tell_owner(user, origin)
        detail = {"by": "page"}
        record(EventName.PASSWORD_CHANGED, actor=as_actor(user), origin=origin, target=target, detail=detail)


def _record(name: EventName, caller: Caller, user: User, detail: Mapping[str, Any]) -> None:
    actor, target = caller.principal.actor, Target.of("user", user)
    record(name, actor=actor, origin=caller.origin, target=target, detail=detail)
