"""Use cases of logging in and out."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from django.contrib.auth.hashers import check_password
from django.db import transaction
from django.db.models import Q

from access.leases import wait_out_leases
from access.principals import Caller
from accounts.models import Session, User
from accounts.second_factor.recovery_wait import is_waiting, stop_or_refuse
from accounts.second_factor.verification import Spent, check_code, device_of
from accounts.sessions import tokens
from accounts.sessions.termination import NO_SESSION, end_sessions, end_what_is_left
from accounts.sessions.tokens import TokenPair
from accounts.throttling.services import attempt, succeeded
from accounts.users import authority
from accounts.users.lookups import find_by_identifier, lock, person_of, throttled_as
from audit.actors import ANONYMOUS, NOTHING, Actor, Origin, Target
from audit.events import EventName
from audit.log import Entry, record, record_all
from config import profiles
from config.limits import Limit
from config.logs import kept
from config.wire.errors import InvalidCredentials, NotAllowed, RecoveryUnderWay, TotpRequired

USER_AGENT_LENGTH = 200
NO_DETAIL: Mapping[str, str] = {}
WRONG = "The name or the password is wrong."


class LoggedIn(NamedTuple):
    user: User
    tokens: TokenPair


class Proof(NamedTuple):
    """The code that was shown besides the password, and the second factor that it belongs to."""

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
    _record_failure(user, origin, "unknown" if user is None else "inactive" if is_right else "wrong password")
    raise InvalidCredentials(WRONG)


def check_second_factor(*, user: User, code: str, origin: Origin) -> Proof | None:
    """Check the code of a person whose password was right. Return None if they have no second factor.

    Raises TotpRequired without a code, InvalidCredentials for a wrong code, and RecoveryUnderWay while the
    second factor is being removed, unless the code stops the removal.
    """
    device = device_of(user)
    if device is None:
        return None
    if not code:
        _record_failure(user, origin, "no code")
        raise TotpRequired
    spent = check_code(user=user, code=code, origin=origin)
    if spent is None:
        _record_failure(user, origin, "wrong code")
        raise InvalidCredentials(WRONG)
    try:
        stop_or_refuse(user=user, spent=spent, actor=as_actor(user), origin=origin)
    except RecoveryUnderWay:
        _record_failure(user, origin, "second factor is being removed")
        raise
    return Proof(spent, device)


def _record_failure(user: User | None, origin: Origin, reason: str) -> None:
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


def log_in(
    *, identifier: str, password: str, origin: Origin, totp_code: str = "", user_agent: str = ""
) -> LoggedIn:
    """Open a session and return its user and tokens.

    Raises TooManyAttempts, InvalidCredentials or TotpRequired.
    """
    refresh_id = tokens.new_refresh_id()
    session = open_session(
        identifier=identifier,
        password=password,
        origin=origin,
        totp_code=totp_code,
        user_agent=user_agent,
        refresh_id=refresh_id,
    )
    user = session.user
    return LoggedIn(user, tokens.issue(session, subject=str(user.uuid), refresh_id=refresh_id, now=origin.at))


def open_session(
    *,
    identifier: str,
    password: str,
    origin: Origin,
    totp_code: str = "",
    user_agent: str = "",
    refresh_id: str | None = None,
    longest: timedelta = timedelta.max,
) -> Session:
    """Open a session whose first refresh token, if any, has the id `refresh_id`. Raises as `log_in` does.

    It ends after `longest`, and never later than the profile says.
    """
    user = check_identity(identifier=identifier, password=password, origin=origin)
    proof = check_second_factor(user=user, code=totp_code, origin=origin)
    with _login_of(user, origin, proof):
        # The removal of a second factor locks the person, too, and resets only the sessions that exist then.
        is_proven = proof is not None and device_of(user) == proof.device
        session = Session.objects.create(
            user=user,
            refresh_digest=tokens.digest(refresh_id or tokens.new_refresh_id()),
            ip=origin.ip,
            user_agent=kept(user_agent, USER_AGENT_LENGTH),
            second_factor=is_proven,
            created_at=origin.at,
            last_seen_at=origin.at,
            expires_at=origin.at + min(longest, timedelta(seconds=profiles.active().login.session_seconds)),
        )
        _record_login(user, origin, proof)
    return session


@contextmanager
def _login_of(user: User, origin: Origin, proof: Proof | None) -> Iterator[None]:
    """Run a login in a transaction with the person locked. Raises InvalidCredentials, which is recorded."""
    try:
        with transaction.atomic():
            _mark_login(user, origin)
            if proof is not None and is_waiting(user):
                raise InvalidCredentials(WRONG)
            yield
    except InvalidCredentials:
        _record_failure(user, origin, "changed meanwhile")
        raise


def _mark_login(user: User, origin: Origin) -> None:
    """Set the time of the last login if `user` is still active and still has the checked password.

    Deactivation, a new password, a new second factor and a logout everywhere end the sessions that exist
    then. A login that began earlier must not open a session afterwards. Raises InvalidCredentials.
    """
    same = User.objects.filter(pk=user.pk, password=user.password, is_active=True)
    same = same.filter(sessions_ended_at=user.sessions_ended_at)
    if not same.update(last_login_at=origin.at):
        raise InvalidCredentials(WRONG)
    user.last_login_at = origin.at


def _record_login(user: User, origin: Origin, proof: Proof | None) -> None:
    actor, target = as_actor(user), Target.of("user", user)
    detail = {"second_factor": proof.spent.kind} if proof else {}
    record(EventName.LOGIN_SUCCEEDED, actor=actor, origin=origin, target=target, detail=detail)


def log_out(*, caller: Caller, client: str = "") -> None:
    """End the session of the caller's access token. Both its tokens stop working at once.

    `client` is the uuid of the OAuth2 client that asked for the logout, if any; it is recorded.
    """
    credential = caller.principal.credential
    if credential.kind != "jwt":
        raise NotAllowed("Only a login can be logged out. To end a key, revoke it.")
    here = Session.objects.select_related("user").filter(uuid=credential.id)
    detail = {"client": client} if client else {}
    end_selected_sessions(caller=caller, selected=list(here), detail=detail)


def end_session(*, caller: Caller, session: Session) -> None:
    """End a session of the caller or of a person whom the caller may change. Raises NotAllowed."""
    end_selected_sessions(caller=caller, selected=[session])


def end_selected_sessions(
    *, caller: Caller, selected: Collection[Session], detail: Mapping[str, str] = NO_DETAIL
) -> int:
    """End sessions as `end_session` does, all or none. Return how many were still live.

    `detail` is recorded with each.
    """
    others = {each.user_id: each.user for each in selected if each.user_id != caller.principal.user_id}
    if others:
        authority.check_may_manage_users(caller)
    for user in others.values():
        authority.check_not_above(caller, user)
    people = User.objects.filter(pk__in={each.user_id for each in selected})
    with transaction.atomic():
        if len(selected) > 1:  # a single logout needs no lock order and should stay cheap
            list(people.select_for_update().order_by("pk"))  # the evaluation takes the locks
        in_order = sorted(selected, key=lambda session: session.pk)
        ended = [s for s in in_order if end_sessions(Session.objects.filter(pk=s.pk), caller.origin.at)]
        targets = [Target.of("session", each).about(user=each.user) for each in ended]
        entries = [Entry(EventName.SESSION_ENDED, target, detail) for target in targets]
        record_all(entries, actor=caller.principal.actor, origin=caller.origin)
        wait_out_leases()  # no-op changes wait, too: another request may have just made the change
    return len(ended)


def log_out_everywhere(*, caller: Caller) -> None:
    """End every session of the caller, including this one."""
    with transaction.atomic():
        _end_all(caller, [lock(person_of(caller))])


def end_other_sessions(*, caller: Caller) -> None:
    """End every session of the caller except this one."""
    with transaction.atomic():
        _end_all(caller, [lock(person_of(caller))], but=Q(uuid=caller.principal.credential.id))


def end_sessions_of(*, caller: Caller, selected: Iterable[User]) -> int:
    """End every session of people whom the caller may change, all or none.

    Return how many people had anything to end. Raises NotAllowed or NotFound.
    """
    authority.check_may_manage_users(caller)
    with transaction.atomic():
        rows = [lock(user) for user in sorted(selected, key=lambda user: user.pk)]
        for row in rows:
            authority.check_not_above(caller, row)
        return _end_all(caller, rows)


def _end_all(caller: Caller, people: Iterable[User], *, but: Q = NO_SESSION) -> int:
    """End all logins of locked people except those that match `but`; return how many people had any."""
    counts = end_what_is_left(people, caller.origin.at, but=but)
    entries = [
        Entry(EventName.SESSION_ENDED, Target.of("user", user), {"sessions": count})
        for user, count in counts.items()
    ]
    record_all(entries, actor=caller.principal.actor, origin=caller.origin)
    wait_out_leases()  # no-op changes wait, too: another request may have just made the change
    return len(counts)


def as_actor(user: User) -> Actor:
    """Return a person as the actor of an audit event."""
    return Actor("user", str(user.uuid), str(user))
