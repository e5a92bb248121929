"""Use cases of invitations to an organization or to an account: send, resend, withdraw."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import uuid4

from django.conf import settings
from django.db import transaction

from access import credential_lookup
from access.principals import Caller, Credential
from accounts.idempotency.services import Claim, point_at, take
from accounts.mail import link_tokens
from accounts.mail.messages import MailKind, Message, Template, link
from accounts.mail.outbox import queue_mail
from accounts.models import Invitation, Mail, Membership, Organization, User
from accounts.users import authority, names
from accounts.users.lookups import lock, person_of
from audit.actors import Origin, Target
from audit.events import EventName
from audit.log import Entry, record_all
from config.wire.errors import Conflict, NotFound, Sentence

INVITATION_DAYS = 7


def invite(
    *,
    caller: Caller,
    organization: Organization | None,
    email: str,
    role: str,
    claim: Claim | None = None,
) -> Invitation:
    """Invite an address to an organization (None: to an account), and queue the mail with the link.

    It replaces an older invitation. An invitation by a program ends with the program's credential at the
    latest. Only callers who manage people learn whether an address has an account.

    Raises NotAllowed, Invalid, NotFound, or Conflict if the address already belongs to a member of the
    organization, or without one to an account; and as `take`.
    """
    role = authority.clean_invited_role(caller, organization, role)
    address = names.clean_email(email)
    key, now, credential = names.fold_email(address), caller.origin.at, caller.principal.credential
    by_program = not caller.principal.is_person
    with transaction.atomic():
        take(claim, uuid4())
        if organization is not None:
            lock(organization)
        inviter = lock(person_of(caller))
        _check_is_new(organization, address)
        for older in Invitation.objects.filter(organization=organization, email_key=key):
            _check_not_above(caller, older)
        values = {
            "email": address,
            "role": role,
            "invited_by": inviter,
            "made_with": credential.kind if by_program else "",
            "made_by": credential.id if by_program else None,
            "digest": None,
            "created_at": now,
            "expires_at": _end(credential if by_program else None, now),
        }
        invitation, _ = Invitation.objects.update_or_create(
            organization=organization, email_key=key, defaults=values
        )
        point_at(claim, invitation.uuid)  # which may be an older one
        queue_mail(kind=MailKind.INVITATION, address=address, about=invitation.pk, origin=caller.origin)
        _record(EventName.INVITATION_ISSUED, caller, invitation)
    return invitation


def _check_is_new(organization: Organization | None, address: str) -> None:
    """Raise Conflict if the address already belongs to a member, or, without organization, to an account."""
    key = names.fold_email(address)
    if organization is None and User.objects.filter(email_key=key).exists():
        raise Conflict("email", Sentence("%(who)s already has an account", who=address))
    if organization and Membership.objects.filter(organization=organization, user__email_key=key).exists():
        raise Conflict(
            "email",
            Sentence(
                "%(who)s is already a member of %(organization)s", who=address, organization=organization
            ),
        )


def _end(made_with: Credential | None, now: datetime) -> datetime:
    """Return when an invitation that is sent now ends: with the sending program's credential at the latest.

    Raises NotFound if the credential has ended.
    """
    ends = now + timedelta(days=INVITATION_DAYS)
    if made_with is None:
        return ends
    maker = credential_lookup.principal_now(made_with, now)
    if maker is None:
        raise NotFound("The credential that sent the invitation has ended.")
    return min(ends, maker.credential.expires_at or ends)


def resend_invitation(*, caller: Caller, invitation: Invitation) -> Invitation:
    """Resend an invitation in the caller's name; the older link stops working. Raises as `invite` does."""
    with transaction.atomic():
        row = _held(caller, invitation)
        return invite(caller=caller, organization=row.organization, email=row.email, role=row.role)


def withdraw_invitation(*, caller: Caller, invitation: Invitation) -> None:
    """Withdraw an invitation; its link stops working. Raises NotAllowed or NotFound."""
    withdraw_invitations(caller=caller, selected=[invitation])


def withdraw_invitations(*, caller: Caller, selected: Iterable[Invitation]) -> int:
    """Withdraw invitations as `withdraw_invitation` does, all or none. Return how many."""
    with transaction.atomic():
        in_order = sorted(selected, key=lambda each: (each.organization_id or 0, each.pk))
        rows = [_held(caller, invitation) for invitation in in_order]
        Invitation.objects.filter(pk__in=[row.pk for row in rows]).delete()
        _record(EventName.INVITATION_REVOKED, caller, *rows)
    return len(rows)


def prepare_invitation(mail: Mail, origin: Origin) -> Message | None:
    """Make the mail with the link, which replaces an older one; None if the invitation was withdrawn."""
    rows = Invitation.objects.select_related("organization", "invited_by")
    invitation = rows.filter(pk=mail.about, email=mail.address).first()
    if invitation is None:
        return None
    token = link_tokens.new_token()
    try:
        good = {"digest": link_tokens.digest(token), "expires_at": _end(invitation.credential, origin.at)}
    except NotFound:
        return None
    if not rows.filter(pk=invitation.pk).update(**good):
        return None
    values = {
        "link": link(settings.INVITATION_URL, token),
        "ends": good["expires_at"],
        "organization": invitation.organization and invitation.organization.name,
        "inviter": invitation.invited_by.name or str(invitation.invited_by),
    }
    return Message(mail.address, Template.INVITATION, values)


def _held(caller: Caller, invitation: Invitation) -> Invitation:
    """Return a fresh copy of the invitation, with its organization locked. Raises NotFound or NotAllowed."""
    authority.check_may_invite(caller, invitation.organization)
    if invitation.organization is not None:
        lock(invitation.organization)
    row = Invitation.objects.select_related("organization").filter(pk=invitation.pk).first()
    if row is None:
        raise NotFound("This invitation no longer exists.")
    _check_not_above(caller, row)
    return row


def _check_not_above(caller: Caller, invitation: Invitation) -> None:
    """Raise NotAllowed if the invited person could do more there than the caller."""
    organization, email = invitation.organization, invitation.email
    authority.check_not_above_in(caller, organization, email, invitation.role)


def _record(name: EventName, caller: Caller, *invitations: Invitation) -> None:
    entries = [Entry(name, _target(each), {"email": each.email, "role": each.role}) for each in invitations]
    record_all(entries, actor=caller.principal.actor, origin=caller.origin)


def _target(invitation: Invitation) -> Target:
    organization = invitation.organization
    if organization is None:
        return Target.of("invitation", invitation)
    return Target.of("organization", organization, organization_id=organization.pk)
