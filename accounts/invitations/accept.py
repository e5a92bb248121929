"""Accepting an invitation: the mailed token proves the address, and the address identifies the person."""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_noop

from access import credential_lookup
from access.principals import Caller, Credential, Principal
from accounts.mail import link_tokens
from accounts.models import Invitation, User
from accounts.organizations.services import insert_member, member_target
from accounts.passwords.rules import check_password_rules
from accounts.sessions.identity import as_actor
from accounts.throttling.services import attempt
from accounts.users import authority, names
from accounts.users.lookups import lock
from accounts.users.principals import principal_of
from accounts.users.store import insert_user
from audit.actors import Origin, Target
from audit.events import EventName
from audit.log import record
from config import profiles
from config.limits import Limit
from config.wire.errors import DomainError, Invalid, NotFound

HAS_ACCOUNT = gettext_noop("must be left out: this address already has an account, which joins unchanged")


def accept_invitation(*, token: str, name: str = "", password: str = "", origin: Origin) -> User:
    """Make the owner of the invited address a member, once.

    If nobody has the address, `name` and `password` make an account, with the profile's role for newcomers or
    with the role of an invitation to an account. Raises TooManyAttempts, or Invalid, naming `name`,
    `password` or `token`; `token` also if the inviter may no longer invite.
    """
    attempt(Limit.MAILED_TOKEN, origin=origin)
    digest = link_tokens.digest(token)
    invitation = _good(digest, origin.at).first()
    if invitation is None:
        raise link_tokens.refused()
    user = _account(invitation, name, password)
    try:
        with transaction.atomic():
            _join(_spend(digest, invitation, user, origin), user, origin)
    except DomainError:  # the person is already a member, or was created or deleted meanwhile, …
        raise link_tokens.refused() from None
    return user


def account_behind(token: str, now: datetime) -> str:
    """Return the address to which this token was mailed, or "" if the token is not valid."""
    invitation = _good(link_tokens.digest(token), now).first()
    return invitation.email if invitation else ""


def _good(digest: bytes, now: datetime) -> QuerySet[Invitation]:
    """Return the invitation with this digest if it is valid and its inviter is active."""
    rows = Invitation.objects.select_related("organization", "invited_by")
    return rows.filter(digest=digest, expires_at__gt=now, invited_by__is_active=True)


def _account(invitation: Invitation, name: str, password: str) -> User:
    """Return the person with the address, or a new person who is not stored yet. Raises Invalid."""
    known = User.objects.filter(email_key=invitation.email_key).first()
    if known is None:
        return _newcomer(invitation, name, password)
    if invitation.organization is None:
        raise link_tokens.refused()
    if name or password:
        raise Invalid("password" if password else "name", HAS_ACCOUNT)
    return known


def _newcomer(invitation: Invitation, name: str, password: str) -> User:
    """Return a new person who is not stored yet. Raises Invalid."""
    role = profiles.active().login.newcomer_role if invitation.organization else invitation.role
    if not role:
        raise Invalid("token", "is for people who have an account; ask the person who invited you for one")
    if not password:
        raise Invalid("password", "is required, because this address has no account yet")
    name = names.clean_name("name", name) if name else ""
    user = User(email=invitation.email, email_verified=True, name=name, role=role)
    check_password_rules(password, user)
    user.set_password(password)
    return user


def _spend(digest: bytes, found: Invitation, user: User, origin: Origin) -> Invitation:
    """Lock the people and the organization of the invitation, delete it, and return its last state.

    Raises NotFound if the invitation or the account is gone; Invalid or NotAllowed if the inviter may no
    longer grant the role.
    """
    if found.organization is not None:
        lock(found.organization)
    people = {person.pk: person for person in (found.invited_by, user) if person.pk}
    held = {number: lock(people[number]) for number in sorted(people)}
    invitation = _good(digest, origin.at).first()
    if invitation is None or invitation.invited_by_id not in held or not invitation.delete()[0]:
        raise NotFound("The invitation was used, replaced or withdrawn.")
    account = held.get(user.pk, user)
    if not account.is_active or (user.pk and account.email_key != invitation.email_key):
        raise NotFound("The account is inactive, or has another address.")
    inviter = Caller(_inviter(invitation, origin.at), origin)
    authority.clean_invited_role(inviter, invitation.organization, invitation.role)
    return invitation


def _inviter(invitation: Invitation, now: datetime) -> Principal:
    """Return the current principal of the inviter: the person, or the program with its credential.

    Raises NotFound if the credential has ended.
    """
    if invitation.credential is None:
        return principal_of(invitation.invited_by, Credential("jwt", ""))
    program = credential_lookup.principal_now(invitation.credential, now)
    if program is None:
        raise NotFound("The credential that sent the invitation has ended.")
    return program


def _join(invitation: Invitation, user: User, origin: Origin) -> None:
    """Store the person, if they are new, and their membership. Raises Conflict."""
    is_new = user.pk is None
    if is_new:
        insert_user(user)
    else:  # only this spelling is verified: another one may belong to another mailbox
        User.objects.filter(pk=user.pk, email=invitation.email).update(email_verified=True)
    organization, actor, role = invitation.organization, as_actor(user), invitation.role
    membership = None
    if organization is not None:
        membership = insert_member(organization=organization, user=user, role=role, at=origin.at)
    invited = {"by": "invitation", "invited_by": str(invitation.invited_by.uuid)}
    if is_new:
        target, detail = Target.of("user", user), {"role": user.role, **invited}
        record(EventName.USER_CREATED, actor=actor, origin=origin, target=target, detail=detail)
    if membership is not None:
        target, detail = member_target(membership), {"user": str(user.uuid), "role": role, **invited}
        record(EventName.MEMBER_ADDED, actor=actor, origin=origin, target=target, detail=detail)
