"""Use cases around invitations to an organization: send, send again, take back."""

from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.db import transaction

from accounts import authority, mailed_tokens, names
from accounts.letters import Letter, MailKind, Template, link
from accounts.lookups import hold, person_of
from accounts.models import Invitation, Mail, Membership, Organization
from accounts.principals import Caller
from accounts.services.outbox import queue_mail
from audit.actors import Origin, Target
from audit.events import EventName
from audit.log import Entry, record_all
from config.errors import Conflict, NotFound

INVITATION_DAYS = 7


def invite(*, caller: Caller, organization: Organization, email: str, role: str) -> Invitation:
    """Have a link mailed that makes whoever has the address a member. It replaces an older one.

    Whether somebody has the address is not said. Raises NotAllowed, Invalid, NotFound, or Conflict if a
    member has it.
    """
    authority.check_may_manage_organization(caller, organization)
    role = authority.clean_organization_role(caller, organization, role)
    address = names.clean_email(email)
    key, now = names.fold(address), caller.origin.at
    with transaction.atomic():
        hold(organization)
        inviter = hold(person_of(caller))
        if Membership.objects.filter(organization=organization, user__email_key=key).exists():
            raise Conflict("email", f"{address} is a member of {organization} already")
        for older in Invitation.objects.filter(organization=organization, email_key=key):
            _check_not_above(caller, older)
        values = {"email": address, "role": role, "invited_by": inviter, "digest": None}
        times = {"created_at": now, "expires_at": now + timedelta(days=INVITATION_DAYS)}
        invitation, _ = Invitation.objects.update_or_create(
            organization=organization, email_key=key, defaults=values | times
        )
        queue_mail(kind=MailKind.INVITATION, address=address, about=invitation.pk, origin=caller.origin)
        _record(EventName.INVITATION_ISSUED, caller, invitation)
    return invitation


def resend_invitation(*, caller: Caller, invitation: Invitation) -> Invitation:
    """Invite the same person again, in the caller's name; the older link is dead. Raises as `invite` does."""
    with transaction.atomic():
        row = _held(caller, invitation)
        return invite(caller=caller, organization=row.organization, email=row.email, role=row.role)


def withdraw_invitation(*, caller: Caller, invitation: Invitation) -> None:
    """Take an invitation back: its link is dead. Raises NotAllowed or NotFound."""
    withdraw_invitations(caller=caller, selected=[invitation])


def withdraw_invitations(*, caller: Caller, selected: Iterable[Invitation]) -> int:
    """Take invitations back as `withdraw_invitation` does: all of them or none. Return how many."""
    with transaction.atomic():
        in_order = sorted(selected, key=lambda each: (each.organization_id, each.pk))
        rows = [_held(caller, invitation) for invitation in in_order]
        Invitation.objects.filter(pk__in=[row.pk for row in rows]).delete()
        _record(EventName.INVITATION_REVOKED, caller, *rows)
    return len(rows)


def prepare_invitation(mail: Mail, origin: Origin) -> Letter | None:
    """Make the link that `mail` is to bring, in place of any older one; None if it was taken back."""
    rows = Invitation.objects.select_related("organization", "invited_by")
    invitation = rows.filter(pk=mail.about, email=mail.address).first()
    token = mailed_tokens.new_token()
    ends = origin.at + timedelta(days=INVITATION_DAYS)
    good = {"digest": mailed_tokens.digest(token), "expires_at": ends}
    if invitation is None or not rows.filter(pk=invitation.pk).update(**good):
        return None
    values = {
        "link": link(settings.INVITATION_URL, token),
        "days": INVITATION_DAYS,
        "organization": invitation.organization.name,
        "inviter": invitation.invited_by.name or str(invitation.invited_by),
    }
    return Letter(mail.address, Template.INVITATION, values)


def _held(caller: Caller, invitation: Invitation) -> Invitation:
    """Return the invitation as it is now, its organization locked. Raises NotFound, or NotAllowed."""
    authority.check_may_manage_organization(caller, invitation.organization)
    hold(invitation.organization)
    row = Invitation.objects.select_related("organization").filter(pk=invitation.pk).first()
    if row is None:
        raise NotFound("This invitation is not there any more.")
    _check_not_above(caller, row)
    return row


def _check_not_above(caller: Caller, invitation: Invitation) -> None:
    """Raise NotAllowed if the invited person would be able to do more there than the caller."""
    organization, email = invitation.organization, invitation.email
    authority.check_not_above_in(caller, organization, email, invitation.role)


def _record(name: EventName, caller: Caller, *invitations: Invitation) -> None:
    entries = [Entry(name, _target(each), {"email": each.email, "role": each.role}) for each in invitations]
    record_all(entries, actor=caller.principal.actor, origin=caller.origin)


def _target(invitation: Invitation) -> Target:
    organization = invitation.organization
    return Target.of("organization", organization, organization_id=organization.pk)
