"""Who logs in: the name and the password, then the second factor."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from django.contrib.auth.hashers import check_password
from django.utils.translation import gettext_noop

from accounts.models import Organization, Session, User
from accounts.models.people import BINDING
from accounts.second_factor.recovery_wait import stop_or_refuse
from accounts.second_factor.verification import Spent, check_code, device_of
from accounts.throttling.services import attempt, succeeded
from accounts.users.lookups import find_by_identifier, throttled_as
from audit.actors import ANONYMOUS, NOTHING, Actor, Origin, Target
from audit.events import EventName
from audit.log import record
from config.limits import Limit
from config.wire.errors import InvalidCredentials, NotAllowed, RecoveryUnderWay, TotpRequired

WRONG = gettext_noop("The name or the password is wrong.")
BOUND = gettext_noop("Your organization requires its identity provider. Log in with your organization.")
BOUND_REASON = "must log in with the organization"


class SecondFactorMissing(TotpRequired):
    """As TotpRequired; `user` is the person whose password was right."""

    def __init__(self, user: User) -> None:
        super().__init__()
        self.user = user


class ProviderRequired(NotAllowed):
    """The person's organizations require their identity providers, so their own password does not log in."""

    def __init__(self) -> None:
        super().__init__(BOUND)


class Proof(NamedTuple):
    """The code or the passkey that was shown, and the second factor that it belongs to."""

    spent: Spent
    device: int


def check_identity(*, identifier: str, password: str, origin: Origin) -> User:
    """Return the active user with this identifier and this password.

    Raises TooManyAttempts or InvalidCredentials. The error is the same for unknown and inactive users and for
    wrong and unusable passwords, and takes the time of one hash (ASVS 6.3.8). The reason is recorded.
    """
    user = find_by_identifier(identifier)
    target, subject = Target.of("user", user) if user else NOTHING, throttled_as(identifier)
    at_home = partial(_is_logged_in_here, user, origin)
    attempt(Limit.LOGIN, subject=subject, origin=origin, target=target, is_at_home=at_home)
    # check_password hashes even without a user, so that the time does not tell whether one exists.
    is_right = check_password(password, user.password if user else "!", setter=_rehash(user))
    if user is not None and is_right and user.is_active:
        succeeded(Limit.LOGIN, subject=subject, origin=origin)
        return user
    record_failure(user, origin, "unknown" if user is None else "inactive" if is_right else "wrong password")
    raise InvalidCredentials(WRONG)


def organization_of_login(user: User, vouched_by: Organization | None) -> Organization | None:
    """Return the organization that vouches and requires its provider: a login of `user` counts as its own.

    None for another login. Raises ProviderRequired if all organizations of `user` require their providers.
    """
    found = None
    if vouched_by is not None:
        found = Organization.objects.filter(pk=vouched_by.pk, requires_provider=True).first()
    if found is None and _is_bound(user):
        raise ProviderRequired
    return found


def _is_bound(user: User) -> bool:
    """Whether all organizations of `user` require their providers. Most people have no such organization."""
    one_does = user.memberships.filter(BINDING).exists()  # a quarter of what the whole question takes
    return one_does and User.objects.bound_to_providers().filter(pk=user.pk).exists()


def check_second_factor(*, user: User, code: str, origin: Origin, spends: bool = True) -> Proof | None:
    """Check the code of a person whose password was right. Return None if they have no second factor.

    Raises TotpRequired without a code, InvalidCredentials for a wrong code, and RecoveryUnderWay while the
    second factor is being removed, unless the code stops the removal. Without `spends`, a right code stays
    good and stops nothing.
    """
    device = device_of(user)
    if device is None:
        return None
    if not code:
        record_failure(user, origin, "no code")
        raise SecondFactorMissing(user)
    spent = check_code(user=user, code=code, origin=origin, spends=spends)
    if spent is None:
        record_failure(user, origin, "wrong code")
        raise InvalidCredentials(WRONG)
    return as_proof(user, spent, device, origin) if spends else Proof(spent, device)


def check_not_bound(*, user: User, code: str, vouched_by: Organization | None, origin: Origin) -> None:
    """Raise ProviderRequired, which is recorded, before a right code is spent.

    Raises as `check_second_factor` for a wrong code: only the right one may learn of the provider.
    """
    try:
        organization_of_login(user, vouched_by)
    except ProviderRequired:
        check_second_factor(user=user, code=code, origin=origin, spends=False)
        record_failure(user, origin, BOUND_REASON)
        raise


def as_proof(user: User, spent: Spent, device: int, origin: Origin) -> Proof:
    """Return the proof of a second factor, which stops its removal if it is old enough.

    Raises RecoveryUnderWay, which is recorded, for a newer one.
    """
    try:
        stop_or_refuse(user=user, spent=spent, actor=as_actor(user), origin=origin)
    except RecoveryUnderWay:
        record_failure(user, origin, "second factor is being removed")
        raise
    return Proof(spent, device)


def mark_login(user: User, origin: Origin) -> None:
    """Set the time of the last login if `user` is still active and still has the checked password.

    Deactivation, a new password, a new second factor and a logout everywhere end the sessions that exist
    then. A login that began earlier must not open a session afterwards. Raises InvalidCredentials.
    """
    same = User.objects.filter(pk=user.pk, password=user.password, is_active=True)
    same = same.filter(sessions_ended_at=user.sessions_ended_at)
    if not same.update(last_login_at=origin.at):
        raise InvalidCredentials(WRONG)


def record_failure(user: User | None, origin: Origin, reason: str) -> None:
    target = Target.of("user", user) if user else NOTHING
    record(EventName.LOGIN_FAILED, actor=ANONYMOUS, origin=origin, target=target, detail={"reason": reason})


def _is_logged_in_here(user: User | None, origin: Origin) -> bool:
    """Whether `user` has a live session from this IP address. Queries even without a user, for equal time."""
    number = user.pk if user else 0
    return Session.objects.live(origin.at).filter(user_id=number, ip=origin.ip).exists()


def _rehash(user: User | None) -> Callable[[str], None]:
    """Return the setter that replaces a hash with outdated parameters (ASVS 11.4.2).

    Afterwards `user.password` is the stored hash, or the checked one if the password was changed meanwhile.
    """

    def store(password: str) -> None:
        if user is None:
            return
        before, rows = user.password, User.objects.filter(pk=user.pk)
        user.set_password(password)
        if not rows.filter(password=before).update(password=user.password):
            stored = rows.values_list("password", flat=True).first()
            user.password = stored if stored and check_password(password, stored) else before

    return store


def as_actor(user: User) -> Actor:
    """Return a person as the actor of an audit event."""
    return Actor("user", str(user.uuid), str(user))
