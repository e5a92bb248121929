"""The pages of organizations, below /account/organizations."""

from django.urls import include, path

from console.organizations.invitations import InvitationsPage, InvitePage
from console.organizations.lists import MembersPage, OrganizationsPage
from console.organizations.members import AddMemberPage, MemberPage, RemoveMemberPage
from console.organizations.settings import DeletePage, NewOrganizationPage, SettingsPage

of_one = [
    path("", MembersPage.as_view(), name="console-organization"),
    path("/add", AddMemberPage.as_view(), name="console-member-add"),
    path("/members/<uuid:user>", MemberPage.as_view(), name="console-member"),
    path("/members/<uuid:user>/remove", RemoveMemberPage.as_view(), name="console-member-remove"),
    path("/invitations", InvitationsPage.as_view(), name="console-invitations"),
    path("/invitations/new", InvitePage.as_view(), name="console-invitation-new"),
    path("/settings", SettingsPage.as_view(), name="console-organization-settings"),
    path("/delete", DeletePage.as_view(), name="console-organization-delete"),
]

urlpatterns = [
    path("", OrganizationsPage.as_view(), name="console-organizations"),
    path("/new", NewOrganizationPage.as_view(), name="console-organization-new"),
    path("/<uuid:organization>", include(of_one)),
]
