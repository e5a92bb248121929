"""The pages of organizations, below /account/organizations."""

from django.urls import include, path

from console.organizations import webhooks
from console.organizations.enforcement import EnforcementPage
from console.organizations.invitations import InvitationsPage, InvitePage
from console.organizations.lists import MembersPage, OrganizationsPage
from console.organizations.members import AddMemberPage, MemberPage, RemoveMemberPage
from console.organizations.provider import (
    AddRulePage,
    ClaimDomainPage,
    EditProviderPage,
    ProviderPage,
    RemoveProviderPage,
)
from console.organizations.quota import QuotaPage
from console.organizations.settings import DeletePage, NewOrganizationPage, SettingsPage

of_one = [
    path("", MembersPage.as_view(), name="console-organization"),
    path("/add", AddMemberPage.as_view(), name="console-member-add"),
    path("/members/<uuid:user>", MemberPage.as_view(), name="console-member"),
    path("/members/<uuid:user>/remove", RemoveMemberPage.as_view(), name="console-member-remove"),
    path("/invitations", InvitationsPage.as_view(), name="console-invitations"),
    path("/invitations/new", InvitePage.as_view(), name="console-invitation-new"),
    path("/provider", ProviderPage.as_view(), name="console-provider"),
    path("/provider/edit", EditProviderPage.as_view(), name="console-provider-edit"),
    path("/provider/require", EnforcementPage.as_view(), name="console-provider-require"),
    path("/provider/remove", RemoveProviderPage.as_view(), name="console-provider-remove"),
    path("/provider/domains/new", ClaimDomainPage.as_view(), name="console-domain-new"),
    path("/provider/rules/new", AddRulePage.as_view(), name="console-rule-new"),
    path("/webhooks", webhooks.WebhooksPage.as_view(), name="console-webhooks"),
    path("/webhooks/new", webhooks.NewWebhookPage.as_view(), name="console-webhook-new"),
    path("/webhooks/<uuid:webhook>", webhooks.WebhookPage.as_view(), name="console-webhook"),
    path("/webhooks/<uuid:webhook>/edit", webhooks.EditWebhookPage.as_view(), name="console-webhook-edit"),
    path(
        "/webhooks/<uuid:webhook>/delete", webhooks.DeleteWebhookPage.as_view(), name="console-webhook-delete"
    ),
    path("/settings", SettingsPage.as_view(), name="console-organization-settings"),
    path("/quota", QuotaPage.as_view(), name="console-organization-quota"),
    path("/delete", DeletePage.as_view(), name="console-organization-delete"),
]

urlpatterns = [
    path("", OrganizationsPage.as_view(), name="console-organizations"),
    path("/new", NewOrganizationPage.as_view(), name="console-organization-new"),
    path("/<uuid:organization>", include(of_one)),
]
