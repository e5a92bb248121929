"""Paths of the account endpoints, below the profile's base path."""

from django.urls import path

from accounts import mailed_views, views

urlpatterns = [
    path("auth/login", views.LoginView.as_view(), name="login"),
    path("auth/refresh", views.RefreshView.as_view(), name="refresh"),
    path("auth/logout", views.LogoutView.as_view(), name="logout"),
    path("auth/me", views.MeView.as_view(), name="me"),
    path("auth/forgot-password", mailed_views.ForgotPasswordView.as_view(), name="forgot-password"),
    path("auth/reset-password", mailed_views.ResetPasswordView.as_view(), name="reset-password"),
    path("auth/register", mailed_views.RegisterView.as_view(), name="register"),
    path("auth/confirm-email", mailed_views.ConfirmEmailView.as_view(), name="confirm-email"),
]
