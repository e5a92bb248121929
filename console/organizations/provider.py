"""The organization's own identity provider: its settings, its domains, and the roles that it gives."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.profiles import Capability
from config.wire.errors import NotFound
from console.base import FormPage
from console.organizations.base import OrganizationPage, in_words
from federation.models import Domain, Provider, RoleRule
from federation.protocol.id_tokens import ALGORITHMS
from federation.services import domains, mapping, providers
from federation.services.dns import RECORD
from federation.services.enforcing import excepted_from
from federation.services.providers import ProviderSettings, logout_uri, redirect_uri


class ButtonForm(forms.Form):
    """Which button of the page was pressed, for which domain or rule."""

    prove = forms.UUIDField(required=False)
    grant = forms.UUIDField(required=False)
    remove_domain = forms.UUIDField(required=False)
    remove_rule = forms.UUIDField(required=False)


class ProviderForm(forms.Form):
    """The settings of the provider. An empty secret keeps the one that is stored."""

    issuer = forms.CharField(
        max_length=500,
        label=gettext_lazy("Issuer"),
        widget=forms.URLInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy("The address of the OpenID Connect provider, such as https://id.example.org"),
    )
    client_id = forms.CharField(
        max_length=255, label=gettext_lazy("Client ID"), widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    secret = forms.CharField(
        max_length=1000,
        required=False,
        label=gettext_lazy("Client secret"),
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("It is stored encrypted, and never shown. Empty: the stored one stays."),
    )
    algorithm = forms.ChoiceField(
        label=gettext_lazy("Signature of ID tokens"),
        choices=[(name, name) for name in ALGORITHMS],
        help_text=gettext_lazy("A login that is signed in another way is refused."),
    )
    role_claim = forms.CharField(
        max_length=100,
        required=False,
        label=gettext_lazy("Claim that holds the roles"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy("Such as groups. Empty: rules can only be for everybody."),
    )
    trusted_acr = forms.CharField(
        max_length=2000,
        required=False,
        label=gettext_lazy("Trusted values of acr"),
        help_text=gettext_lazy(
            "A login with one of them counts as one with a second factor. Separate them with spaces."
        ),
    )
    trusted_amr = forms.CharField(
        max_length=2000,
        required=False,
        label=gettext_lazy("Trusted values of amr"),
        help_text=gettext_lazy("The same for amr, such as mfa. If both are empty, no login counts so."),
    )


class DomainForm(forms.Form):
    """A domain to prove."""

    domain = forms.CharField(
        max_length=253,
        label=gettext_lazy("Domain"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy("The part of your e-mail addresses after the @."),
    )


class RuleForm(forms.Form):
    """A value of the claim, and the role that it gives."""

    value = forms.CharField(
        max_length=mapping.LONGEST_VALUE,
        required=False,
        label=gettext_lazy("Value of the claim"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy("Empty: everybody whom the provider lets in, if no other rule applies."),
    )
    role = forms.ChoiceField(label=gettext_lazy("Role"), widget=forms.RadioSelect)


class ProviderPart(OrganizationPage):
    """A page about the provider of the organization."""

    tab = "provider"

    @property
    def provider(self) -> Provider | None:
        """The provider, if there is one."""
        found: Provider | None = Provider.objects.filter(organization=self.organization).first()
        return found

    def existing(self) -> Provider:
        """Return the provider. Raises NotFound."""
        found = self.provider
        if found is None:
            raise NotFound("This organization has no identity provider.")
        return found

    def said(self, text: str) -> HttpResponse:
        """Go back to the overview, which says `text`."""
        return self.done(text, "console-provider", self.organization.uuid)


class ProviderPage(ProviderPart):
    """What is set up, and the buttons for domains and rules."""

    def get(self, request: HttpRequest, **_: Any) -> HttpResponse:
        organization, provider = self.organization, self.provider
        rules = provider.rules.select_related("written_by") if provider else []
        return self.page(
            "organizations/provider.html",
            provider=provider,
            domains=[(each, domains.record_of(each)) for each in organization.domains.all()],
            rules=[(each, in_words(each.role), self.may_give(each.role)) for each in rules],
            excepted=[each.user for each in excepted_from(organization)],
            redirect_uri=redirect_uri(),
            logout_uri=logout_uri(),
            record=RECORD,
            may_grant=self.caller.principal.may(Capability.MANAGE_ORGANIZATIONS),
        )

    def post(self, request: HttpRequest, **_unused: Any) -> HttpResponse:
        form = ButtonForm(request.POST)
        pressed = form.cleaned_data if form.is_valid() else {}
        if pressed.get("prove"):
            domains.prove_domain(caller=self.caller, domain=self._domain(pressed["prove"]))
            return self.said(_("The domain is proven."))
        if pressed.get("grant"):
            domains.grant_domain(caller=self.caller, domain=self._domain(pressed["grant"]))
            return self.said(_("The domain is granted."))
        if pressed.get("remove_domain"):
            domains.remove_domain(caller=self.caller, domain=self._domain(pressed["remove_domain"]))
            return self.said(_("The domain is removed. Nobody logs in with its addresses any more."))
        mapping.remove_rule(caller=self.caller, rule=self._rule(pressed.get("remove_rule")))
        return self.said(_("The rule is removed. Members lose its role when they next log in."))

    def _domain(self, uuid: Any) -> Domain:
        found: Domain | None = self.organization.domains.filter(uuid=uuid).first()
        if found is None:
            raise NotFound("This domain was removed.")
        return found

    def _rule(self, uuid: Any) -> RoleRule:
        rows = RoleRule.objects.select_related("provider__organization")
        found = rows.filter(provider__organization=self.organization, uuid=uuid).first()
        if found is None:
            raise NotFound("This rule was removed.")
        return found


class EditProviderPage(FormPage, ProviderPart):
    """Sets up or changes the provider."""

    template = "organizations/provider_edit.html"
    needs_fresh_login = True

    def form(self, sent: Any) -> forms.Form:
        known = self.provider
        if known is None:
            return ProviderForm(sent)
        shown = {name: getattr(known, name) for name in ("issuer", "client_id", "algorithm", "role_claim")}
        words = {name: " ".join(getattr(known, name)) for name in ("trusted_acr", "trusted_amr")}
        return ProviderForm(sent, initial={**shown, **words})

    def context(self) -> dict[str, Any]:
        return {"redirect_uri": redirect_uri()}

    def act(self, values: dict[str, Any]) -> HttpResponse:
        wanted = ProviderSettings(
            **{
                **values,
                "secret": values["secret"] or None,
                "trusted_acr": tuple(values["trusted_acr"].split()),
                "trusted_amr": tuple(values["trusted_amr"].split()),
            }
        )
        providers.set_provider(caller=self.caller, organization=self.organization, wanted=wanted)
        return self.said(_("The identity provider answers, and its settings are saved."))


class RemoveProviderPage(FormPage, ProviderPart):
    """Says what ends with the provider, and asks before it removes it."""

    template = "organizations/provider_remove.html"
    form_class = forms.Form
    needs_fresh_login = True

    def context(self) -> dict[str, Any]:
        return {"provider": self.existing()}

    def act(self, values: dict[str, Any]) -> HttpResponse:
        providers.remove_provider(caller=self.caller, organization=self.organization)
        return self.said(_("The identity provider is removed. The logins that it vouched for have ended."))


class ClaimDomainPage(FormPage, ProviderPart):
    """Begins to prove a domain."""

    template = "organizations/domain_new.html"
    form_class = DomainForm
    needs_fresh_login = True

    def act(self, values: dict[str, Any]) -> HttpResponse:
        domains.claim_domain(caller=self.caller, organization=self.organization, **values)
        return self.said(_("Now publish the DNS record that is shown here, and then let us look it up."))


class AddRulePage(FormPage, ProviderPart):
    """Adds a rule: who gets a role."""

    template = "organizations/rule_new.html"
    needs_fresh_login = True

    def form(self, sent: Any) -> forms.Form:
        self.existing()
        form = RuleForm(sent)
        field: Any = form.fields["role"]
        field.choices = self.roles_to_give()
        return form

    def act(self, values: dict[str, Any]) -> HttpResponse:
        mapping.add_rule(caller=self.caller, provider=self.existing(), **values)
        return self.said(_("The rule is saved. It applies when people log in."))
