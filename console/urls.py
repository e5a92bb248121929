"""The pages of the console, below /account/."""

from django.urls import include, path

from accounts.sessions.login_page import LoginPage
from config import profiles
from console.entry import ForgotPasswordPage, RegisterPage
from console.home import HomePage, LogoutPage
from console.sessions import SessionsPage

urlpatterns = [
    path("", HomePage.as_view(), name="console"),
    path("login", LoginPage.as_view(), name="login-page"),
    path("logout", LogoutPage.as_view(), name="logout-page"),
    path("forgot-password", ForgotPasswordPage.as_view(), name="forgot-password-page"),
    path("organizations", include("console.organizations.urls")),
    path("sessions", SessionsPage.as_view(), name="console-sessions"),
    path("register", RegisterPage.as_view(), name="register-page"),
]

if profiles.active().oauth2 is not None:
    from console.applications import ApplicationsPage

    urlpatterns.append(path("applications", ApplicationsPage.as_view(), name="console-applications"))
