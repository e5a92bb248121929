"""The pages of logins with an organization's provider, below /account/login/."""

from django.urls import path

from federation.pages.entry import CallbackPage, EntryPage
from federation.pages.linking import LinkPage
from federation.pages.logout import ProviderLogout

urlpatterns = [
    path("organization", EntryPage.as_view(), name="organization-login-page"),
    path("organization/callback", CallbackPage.as_view(), name="organization-callback-page"),
    path("organization/logout", ProviderLogout.as_view(), name="organization-logout"),
    path("organization/link", LinkPage.as_view(), name="organization-link-page"),
]
