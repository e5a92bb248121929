"""Invitations to an organization: invite, send again, withdraw. No page shows the link."""

from typing import Any, NamedTuple

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.invitations import services as invitations
from accounts.models import Invitation
from config.wire.errors import NotFound
from console.base import FormPage
from console.organizations.base import OrganizationPage, RoleForm, RoleInWords, in_words, page_of


class Listed(NamedTuple):
    """An invitation, the role that it gives, and whether the person may send it again and withdraw it."""

    invitation: Invitation
    role: RoleInWords
    has_expired: bool
    may_change: bool


class InvitationForm(forms.Form):
    """The invitation to send again or to withdraw."""

    resend = forms.UUIDField(required=False)
    withdraw = forms.UUIDField(required=False)


class InviteForm(RoleForm):
    """An address, and the role that its invitation gives."""

    field_order = ("email", "role")

    email = forms.CharField(
        max_length=254,
        label=gettext_lazy("E-mail address"),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("We mail a link to this address. It is good for seven days."),
    )


class InvitationsPage(OrganizationPage):
    """The invitations that were not accepted yet, the newest first."""

    tab = "invitations"

    def get(self, request: HttpRequest, **_: Any) -> HttpResponse:
        page = page_of(self._own().select_related("invited_by").order_by("-pk"), request)
        listed = [
            Listed(
                each,
                in_words(each.role),
                each.expires_at <= self.caller.origin.at,
                self.may_give(each.role),
            )
            for each in page
        ]
        return self.page("organizations/invitations.html", page=page, invitations=listed)

    def post(self, request: HttpRequest, **_: Any) -> HttpResponse:
        form = InvitationForm(request.POST)
        values = form.cleaned_data if form.is_valid() else {}
        if values.get("resend"):
            return self._resend(self._found(values["resend"]))
        return self._withdraw(self._found(values.get("withdraw")))

    def _resend(self, invitation: Invitation) -> HttpResponse:
        invitations.resend_invitation(caller=self.caller, invitation=invitation)
        text = _("We mail a new link to %(email)s. The older one no longer works.")
        return self._back(text % {"email": invitation.email})

    def _withdraw(self, invitation: Invitation) -> HttpResponse:
        invitations.withdraw_invitation(caller=self.caller, invitation=invitation)
        text = _("The invitation of %(email)s is withdrawn. Its link no longer works.")
        return self._back(text % {"email": invitation.email})

    def _back(self, text: str) -> HttpResponse:
        return self.done(text, "console-invitations", self.organization.uuid)

    def _own(self) -> Any:
        return Invitation.objects.filter(organization=self.organization)

    def _found(self, uuid: Any) -> Invitation:
        """Return the invitation with this uuid. Raises NotFound."""
        found: Invitation | None = self._own().select_related("organization").filter(uuid=uuid).first()
        if found is None:
            raise NotFound("This invitation was accepted or withdrawn, or there is no such invitation.")
        return found


class InvitePage(FormPage, OrganizationPage):
    """Invites an address, whether or not it has an account."""

    tab = "invitations"
    template = "organizations/invite.html"

    def form(self, sent: Any) -> forms.Form:
        form = InviteForm(sent)
        form.offer(self.roles_to_give())
        return form

    def act(self, values: dict[str, Any]) -> HttpResponse:
        invitations.invite(caller=self.caller, organization=self.organization, **values)
        text = _("We mail an invitation to %(email)s.") % {"email": values["email"]}
        return self.done(text, "console-invitations", self.organization.uuid)
