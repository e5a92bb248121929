"""Paths of OAuth2: below the profile's base path, and what stands at fixed places of the server."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from accounts.oauth import pages, views
from accounts.oauth.consents_page import ConsentsPage

router = SimpleRouter(trailing_slash=False)
router.register("consents", views.ConsentViewSet, basename="consent")

urlpatterns = [
    path("authorize", pages.AuthorizePage.as_view(), name="oauth2-authorize"),
    path("login", pages.LoginPage.as_view(), name="oauth2-login"),
    path("allowed", ConsentsPage.as_view(), name="oauth2-allowed"),
    path("token", views.TokenView.as_view(), name="oauth2-token"),
    path("revoke", views.RevokeView.as_view(), name="oauth2-revoke"),
    path("userinfo", views.UserInfoView.as_view(), name="oauth2-userinfo"),
    *router.urls,
]

keys = [path("jwks.json", views.KeysView.as_view(), name="oauth2-jwks")]
well_known = [
    path("oauth-authorization-server", views.MetadataView.as_view(), name="oauth2-metadata"),
    path("openid-configuration", views.OpenIdView.as_view(), name="openid-configuration"),
]
