"""One member of an organization: add, change the role, remove, leave."""

from functools import cached_property
from typing import Any

from django import forms
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Membership, User
from accounts.organizations import services as organizations
from accounts.organizations.managers import has_other_manager, manages
from accounts.users.lookups import find_by_identifier
from config.profiles import Capability
from config.wire.errors import Invalid, NotFound
from console.base import FormPage
from console.organizations.base import OrganizationPage, RoleForm, in_words


class AddMemberForm(RoleForm):
    """A person with an account, and their role."""

    field_order = ("user", "role")

    user = forms.CharField(
        max_length=254,
        label=gettext_lazy("E-mail address or user name"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("Of a person who already has an account. Invite everybody else."),
    )


class AddMemberPage(FormPage, OrganizationPage):
    """Adds a person whom the caller may see, without a mail to them."""

    template = "organizations/add.html"

    def form(self, sent: Any) -> forms.Form:
        form = AddMemberForm(sent)
        form.offer(self.roles_to_give())
        return form

    def act(self, values: dict[str, Any]) -> HttpResponse:
        person = self._person(values["user"])
        organizations.add_member(
            caller=self.caller, organization=self.organization, user=person, role=values["role"]
        )
        text = _("%(person)s is now a member.") % {"person": person}
        return self.done(text, "console-organization", self.organization.uuid)

    def _person(self, named: str) -> User:
        """Return the person with this identifier. A person whom the caller may not see looks nonexistent."""
        found = find_by_identifier(named)
        visible = User.objects.visible_to(self.caller.principal)
        if found is None or not visible.filter(pk=found.pk).exists():
            raise Invalid("user", "does not exist, or you may not see this person")
        return found


class MemberPage(FormPage, OrganizationPage):
    """Changes the role of a member."""

    template = "organizations/member.html"

    @cached_property
    def membership(self) -> Membership:
        """The membership of the person in the path. Raises NotFound."""
        members = Membership.objects.filter(organization=self.organization, user__uuid=self.kwargs["user"])
        found = members.select_related("user", "organization").first()
        if found is None:
            raise NotFound("This person is not a member.")
        return found

    @property
    def is_self(self) -> bool:
        """Whether the member is the person who looks at the page."""
        return self.membership.user_id == self.person.pk

    def form(self, sent: Any) -> forms.Form:
        form = RoleForm(sent, initial={"role": self.membership.role})
        form.offer(self.roles_to_give())
        return form

    def context(self) -> dict[str, Any]:
        role = self.membership.role
        return {
            "membership": self.membership,
            "role": in_words(role),
            "is_self": self.is_self,
            "is_last": manages(role) and not has_other_manager(self.membership),
            "is_administrator": self.caller.principal.may(Capability.MANAGE_ORGANIZATIONS),
        }

    def act(self, values: dict[str, Any]) -> HttpResponse:
        organizations.change_member_role(caller=self.caller, membership=self.membership, role=values["role"])
        words = {"person": self.membership.user, "role": values["role"]}
        return self.back(_("%(person)s now has the role %(role)s.") % words)

    def back(self, text: str) -> HttpResponse:
        """Go to the members; people who changed themselves may no longer see those."""
        if self.is_self:
            return self.done(text, "console-organizations")
        return self.done(text, "console-organization", self.organization.uuid)


class RemoveMemberPage(MemberPage):
    """Asks before it removes a member, or before the person leaves."""

    template = "organizations/remove.html"

    def form(self, sent: Any) -> forms.Form:
        return forms.Form(sent)

    def act(self, values: dict[str, Any]) -> HttpResponse:
        organizations.remove_member(caller=self.caller, membership=self.membership)
        words = {"person": self.membership.user, "organization": self.organization}
        text = (
            _("You have left %(organization)s.") if self.is_self else _("%(person)s is no longer a member.")
        )
        return self.back(text % words)
