"""Members of an organization. New ones are invited: nobody becomes a member without their own yes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from access.principals import Caller, Credential
from accounts.invitations.services import invite, withdraw_invitations
from accounts.models import Invitation, Membership, Organization
from accounts.organizations.managers import manages
from accounts.organizations.services import change_member_role, remove_member
from accounts.users.authority import check_organization_role, clean_invited_role
from accounts.users.names import clean_email, fold, fold_email
from accounts.users.principals import principal_of
from config.wire.errors import Conflict, Invalid, NotAllowed
from config.wire.quoting import shown
from provisioning.changes import Names, Values
from provisioning.documents import Node, Text
from provisioning.kinds.base import Kind, Match, Secret, Wanted, Work
from provisioning.members import Members

Person = Membership | Invitation


@dataclass(frozen=True)
class WantedPerson(Wanted):
    """A person, named by e-mail address or user name, with their role in the organization."""

    role: str

    @property
    def key(self) -> str:
        return fold_email(self.name) if "@" in self.name else fold(self.name)


class People(Kind[WantedPerson, Person]):
    name, section, ends_with = "member", "members", "removed"

    def read(self, name: str, node: Node, line: int, within: Members) -> WantedPerson:
        role = node.value if isinstance(node, Text) else ""
        within.cleaned(name, lambda: check_organization_role(role), None)
        if "@" in name:
            within.cleaned(name, lambda: clean_email(name), "")
        return WantedPerson(name, line, role)

    def present(self, organization: Organization | None, now: datetime) -> list[Person]:
        """Return the members, and the invitations that are valid: their people may become members."""
        members = Membership.objects.filter(organization=organization).select_related("user", "organization")
        invitations = Invitation.objects.filter(organization=organization, expires_at__gt=now)
        joined = list(members.order_by("pk"))
        here = {row.user.email_key for row in joined}
        invited = invitations.select_related("organization", "invited_by").order_by("pk")
        return [*joined, *(row for row in invited if row.email_key not in here)]

    def names_of(self, row: Person) -> Names:
        if isinstance(row, Invitation):
            return Names(row.email, (row.email_key,))
        person = row.user
        return Names(person.email, tuple(filter(None, (person.email_key, person.username_key))))

    def wanted_values(self, wanted: WantedPerson) -> Values:
        return {"role": wanted.role}

    def present_values(self, row: Person) -> Values:
        return {"role": row.role}

    def exported(self, row: Person) -> str:
        return row.role

    def check_new(self, wanted: WantedPerson, now: datetime) -> None:
        if "@" not in wanted.name:
            raise Invalid("members", f"{shown(wanted.name)} is not a member; give the address to invite")

    def invites(self, wanted: WantedPerson, row: Person | None) -> bool:
        return not isinstance(row, Membership)

    def check_outcome(
        self,
        before: Sequence[Match[WantedPerson, Person]],
        after: Sequence[Match[WantedPerson, Person]],
    ) -> None:
        """Raise Conflict if nobody could manage the organization any more, unless nobody could before."""
        managing = [match for match in before if match.row and _manages(match.row, match.row.role)]
        if managing and not any(
            match.row and _manages(match.row, match.wanted.role if match.wanted else match.row.role)
            for match in after
        ):
            raise Conflict("members", "nobody could manage the organization any more")

    def create(self, work: Work, wanted: WantedPerson) -> Secret | None:
        caller = _in_the_name_of(work, wanted.role)
        invite(caller=caller, organization=work.place, email=wanted.name, role=wanted.role)
        return None

    def update(self, work: Work, wanted: WantedPerson, row: Person, members: Sequence[str]) -> None:
        if isinstance(row, Membership):
            change_member_role(caller=work.caller, membership=row, role=wanted.role)
        else:
            self.create(work, replace(wanted, name=row.email))

    def delete(self, work: Work, rows: Sequence[Person]) -> None:
        for row in rows:
            if isinstance(row, Membership):
                remove_member(caller=work.caller, membership=row)
        withdraw_invitations(
            caller=work.caller, selected=[row for row in rows if isinstance(row, Invitation)]
        )


def _manages(row: Person, role: str) -> bool:
    """Whether somebody who has this role can manage the organization now."""
    return isinstance(row, Membership) and row.user.is_active and manages(role)


def _in_the_name_of(work: Work, role: str) -> Caller:
    """Return the operator, with the person in whose name the invitation is sent.

    Raises Invalid without one, and for one who may not invite: the invitation could not be accepted.
    """
    inviter = work.inviter
    if inviter is None:
        raise Invalid("inviter", "must name who invites new members")
    if not inviter.is_active:
        raise Invalid("inviter", f"{inviter} is not active")
    person = Caller(principal_of(inviter, Credential("jwt", "")), work.caller.origin)
    try:
        clean_invited_role(person, work.place, role)
    except NotAllowed:
        raise Invalid("inviter", f"{inviter} may not invite to {work.place} with the role {role}") from None
    return replace(work.caller, principal=replace(work.caller.principal, user_id=inviter.pk))
