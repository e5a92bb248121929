"""Use cases of logging in and out."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import Q

from access.leases import wait_out_leases
from access.principals import Caller
from accounts.models import Organization, Session, User
from accounts.second_factor.recovery_wait import is_waiting
from accounts.second_factor.verification import device_of
from accounts.sessions import tokens
from accounts.sessions.identity import (
    BOUND_REASON,
    WRONG,
    Proof,
    ProviderRequired,
    as_actor,
    check_identity,
    check_not_bound,
    check_second_factor,
    mark_login,
    organization_of_login,
    record_failure,
)
from accounts.sessions.termination import NO_SESSION, end_sessions, end_what_is_left
from accounts.sessions.tokens import TokenPair
from accounts.users import authority
from accounts.users.lookups import lock, person_of
from audit.actors import Origin, Target
from audit.events import EventName
from audit.log import Entry, record, record_all
from config import profiles
from config.logs import kept
from config.wire.errors import InvalidCredentials, NotAllowed

USER_AGENT_LENGTH = 200
NO_DETAIL: Mapping[str, str] = {}


class LoggedIn(NamedTuple):
    user: User
    tokens: TokenPair


def log_in(
    *, identifier: str, password: str, origin: Origin, totp_code: str = "", user_agent: str = ""
) -> LoggedIn:
    """Open a session and return its user and tokens.

    Raises TooManyAttempts, InvalidCredentials, TotpRequired, RecoveryUnderWay or ProviderRequired.
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
    vouched_by: Organization | None = None,
) -> Session:
    """Open a session whose first refresh token, if any, has the id `refresh_id`. Raises as `log_in` does.

    It ends after `longest`, and never later than the profile says. `vouched_by` is as in `open_proven`.
    """
    user = check_identity(identifier=identifier, password=password, origin=origin)
    if totp_code:
        check_not_bound(user=user, code=totp_code, vouched_by=vouched_by, origin=origin)
    proof = check_second_factor(user=user, code=totp_code, origin=origin)
    return open_proven(
        user,
        proof,
        origin=origin,
        user_agent=user_agent,
        refresh_id=refresh_id,
        longest=longest,
        vouched_by=vouched_by,
    )


def open_proven(
    user: User,
    proof: Proof | None,
    *,
    origin: Origin,
    user_agent: str,
    refresh_id: str | None,
    longest: timedelta,
    vouched_by: Organization | None = None,
) -> Session:
    """Open the session of a person who has proven who they are. Raises InvalidCredentials.

    `vouched_by` is the organization whose identity provider has vouched for the person, too. If it requires
    that, the login counts as one with the provider. Raises ProviderRequired for a person whose organizations
    all require their providers.
    """
    with _login_of(user, origin, proof):
        counts_as = organization_of_login(user, vouched_by)
        # The removal of a second factor locks the person, too, and resets only the sessions that exist then.
        is_proven = proof is not None and device_of(user) == proof.device
        session = _new_session(
            user,
            origin,
            user_agent=user_agent,
            longest=longest,
            refresh_id=refresh_id,
            second_factor=is_proven,
            organization=counts_as,
        )
        _record_login(user, origin, {"second_factor": proof.spent.kind} if proof else {})
    return session


def open_vouched(
    user: User,
    organization: Organization,
    *,
    second_factor: bool,
    proven_at: datetime,
    provider_session: str,
    origin: Origin,
    user_agent: str,
    longest: timedelta,
) -> Session:
    """Open the session of a person for whom the organization's identity provider alone vouches.

    It has no tokens. `second_factor`: the provider says that the person proved one. `proven_at` is when they
    did prove there who they are. `provider_session` is the session there, or "". Raises InvalidCredentials.
    """
    with _login_of(user, origin, None):
        session = _new_session(
            user,
            origin,
            user_agent=user_agent,
            longest=longest,
            second_factor=second_factor,
            organization=organization,
            proven_at=proven_at,
            provider_session=provider_session,
        )
        _record_login(user, origin, {"by": "provider", "organization": str(organization.uuid)})
    return session


def _new_session(
    user: User,
    origin: Origin,
    *,
    user_agent: str,
    longest: timedelta,
    second_factor: bool,
    refresh_id: str | None = None,
    organization: Organization | None = None,
    proven_at: datetime | None = None,
    provider_session: str = "",
) -> Session:
    return Session.objects.create(
        user=user,
        refresh_digest=tokens.digest(refresh_id or tokens.new_refresh_id()),
        ip=origin.ip,
        user_agent=kept(user_agent, USER_AGENT_LENGTH),
        second_factor=second_factor,
        organization=organization,
        proven_again_at=proven_at,
        provider_session=provider_session,
        created_at=origin.at,
        last_seen_at=origin.at,
        expires_at=origin.at + min(longest, timedelta(seconds=profiles.active().login.session_seconds)),
    )


@contextmanager
def _login_of(user: User, origin: Origin, proof: Proof | None) -> Iterator[None]:
    """Run a login in a transaction with the person locked.

    Raises InvalidCredentials, or what the block does; both are recorded.
    """
    try:
        with transaction.atomic():
            mark_login(user, origin)
            if proof is not None and is_waiting(user):
                raise InvalidCredentials(WRONG)
            yield
    except InvalidCredentials:
        record_failure(user, origin, "changed meanwhile")
        raise
    except ProviderRequired:
        record_failure(user, origin, BOUND_REASON)
        raise


def _record_login(user: User, origin: Origin, detail: Mapping[str, str]) -> None:
    actor, target = as_actor(user), Target.of("user", user)
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
