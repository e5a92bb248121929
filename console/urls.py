"""The pages of the console, below /account/."""

from django.urls import include, path

from accounts.sessions.browser.login_page import LoginPage
from accounts.sessions.browser.proof_page import ProofPage
from config import profiles
from console.entry import ForgotPasswordPage, RegisterPage
from console.home import HomePage, LogoutPage
from console.profile import EmailPage, MailsPage, ProfilePage
from console.security import passkeys, second_factor
from console.security.overview import SecurityPage
from console.security.password import PasswordPage
from console.sessions import SessionsPage

urlpatterns = [
    path("", HomePage.as_view(), name="console"),
    path("login", LoginPage.as_view(), name="login-page"),
    path("login/", include("federation.urls")),
    path("prove", ProofPage.as_view(), name="proof-page"),
    path("logout", LogoutPage.as_view(), name="logout-page"),
    path("forgot-password", ForgotPasswordPage.as_view(), name="forgot-password-page"),
    path("keys", include("console.keys.urls")),
    path("organizations", include("console.organizations.urls")),
    path("sessions", SessionsPage.as_view(), name="console-sessions"),
    path("security", SecurityPage.as_view(), name="console-security"),
    path("security/password", PasswordPage.as_view(), name="console-password"),
    path("security/authenticator", second_factor.BeginPage.as_view(), name="console-authenticator"),
    path("security/authenticator/confirm", second_factor.ConfirmPage.as_view(), name="console-confirm"),
    path("security/authenticator/replace", second_factor.ReplacePage.as_view(), name="console-replace"),
    path("security/authenticator/remove", second_factor.RemovePage.as_view(), name="console-remove"),
    path("security/passkeys/add", passkeys.AddPage.as_view(), name="console-passkey-add"),
    path("security/passkeys/confirm", passkeys.ConfirmPage.as_view(), name="console-passkey-confirm"),
    path(
        "security/passkeys/<uuid:passkey>/rename",
        passkeys.RenamePage.as_view(),
        name="console-passkey-rename",
    ),
    path(
        "security/passkeys/<uuid:passkey>/remove",
        passkeys.RemovePage.as_view(),
        name="console-passkey-remove",
    ),
    path(
        "security/recovery-codes",
        second_factor.RecoveryCodesPage.as_view(),
        name="console-recovery-codes",
    ),
    path("profile", ProfilePage.as_view(), name="console-profile"),
    path("profile/email", EmailPage.as_view(), name="console-email"),
    path("profile/mails", MailsPage.as_view(), name="console-mails"),
    path("register", RegisterPage.as_view(), name="register-page"),
]

if profiles.active().oauth2 is not None:
    from console.applications import ApplicationsPage

    urlpatterns.append(path("applications", ApplicationsPage.as_view(), name="console-applications"))
