"""Paths of the account endpoints, below the profile's base path."""

from typing import cast

from django.urls import path
from rest_framework.routers import Route, SimpleRouter

from accounts.invitations import views as invitation_views
from accounts.mail import link_views
from accounts.organizations import views as organization_views
from accounts.passwords import views as password_views
from accounts.second_factor import views as second_factor_views
from accounts.sessions import login_views
from accounts.sessions import views as session_views
from accounts.users import views as user_views
from accounts.users.profile import views as profile_views
from config import profiles

USERS = profiles.active().paths.users


class Router(SimpleRouter):
    """DRF's router, plus DELETE on the list route of viewsets with `destroy_all`."""

    _lists = cast(Route, SimpleRouter.routes[0])
    routes = [
        _lists._replace(mapping={**_lists.mapping, "delete": "destroy_all"}),
        *SimpleRouter.routes[1:],
    ]


router = Router(trailing_slash=False)
router.register("auth/sessions", session_views.SessionViewSet, basename="session")
router.register(
    rf"{USERS}/invitations", invitation_views.AccountInvitationViewSet, basename="account-invitation"
)
router.register(USERS, user_views.UserViewSet, basename="user")
router.register(
    rf"{USERS}/(?P<user_id>[^/.]+)/sessions", session_views.UserSessionViewSet, basename="user-session"
)
router.register("organizations", organization_views.OrganizationViewSet, basename="organization")
router.register(
    r"organizations/(?P<organization_id>[^/.]+)/members", organization_views.MemberViewSet, basename="member"
)
router.register(
    r"organizations/(?P<organization_id>[^/.]+)/invitations",
    invitation_views.InvitationViewSet,
    basename="invitation",
)

urlpatterns = [
    path("auth/login", login_views.LoginView.as_view(), name="login"),
    path("auth/refresh", login_views.RefreshView.as_view(), name="refresh"),
    path("auth/logout", login_views.LogoutView.as_view(), name="logout"),
    path("auth/logout-everywhere", login_views.LogoutEverywhereView.as_view(), name="logout-everywhere"),
    path("auth/me", profile_views.MeView.as_view(), name="me"),
    path("auth/change-password", password_views.ChangePasswordView.as_view(), name="change-password"),
    path("auth/totp", second_factor_views.TotpView.as_view(), name="totp"),
    path("auth/totp/confirm", second_factor_views.ConfirmTotpView.as_view(), name="totp-confirm"),
    path(
        "auth/totp/recovery-codes",
        second_factor_views.RecoveryCodesView.as_view(),
        name="totp-recovery-codes",
    ),
    path("auth/forgot-password", link_views.ForgotPasswordView.as_view(), name="forgot-password"),
    path("auth/reset-password", link_views.ResetPasswordView.as_view(), name="reset-password"),
    path("auth/register", link_views.RegisterView.as_view(), name="register"),
    path("auth/confirm-email", link_views.ConfirmEmailView.as_view(), name="confirm-email"),
    path("auth/change-email", link_views.ChangeEmailView.as_view(), name="change-email"),
    path("auth/accept-invitation", link_views.AcceptInvitationView.as_view(), name="accept-invitation"),
    *router.urls,
]
