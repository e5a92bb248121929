"""Paths of OAuth2: below the profile's base path, and at the fixed places of the standards."""

from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import RedirectView
from rest_framework.routers import SimpleRouter

from oauth import views
from oauth.pages.authorize import AuthorizePage, DecisionPage
from oauth.pages.login import ClientLoginPage, opened_by_clients
from oauth.pages.logout import LogoutAnswerPage, LogoutPage

router = SimpleRouter(trailing_slash=False)
router.register("consents", views.ConsentViewSet, basename="consent")

urlpatterns = [
    path(
        "authorize", opened_by_clients(csrf_exempt(AuthorizePage.as_view())), name="oauth2-authorize"
    ),  # its POST only redirects to GET
    path("decision", opened_by_clients(DecisionPage.as_view()), name="oauth2-decision"),
    path("login", opened_by_clients(ClientLoginPage.as_view()), name="oauth2-login"),
    path("allowed", RedirectView.as_view(pattern_name="console-applications"), name="oauth2-allowed"),
    path("logout", LogoutPage.as_view(), name="oauth2-logout"),
    path("logout/answer", LogoutAnswerPage.as_view(), name="oauth2-logout-answer"),
    path(
        "device_authorization",
        views.DeviceAuthorizationView.as_view(),
        name="oauth2-device-authorization",
    ),
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
