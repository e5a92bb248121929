"""Paths of the reports of leaked keys, outside the profile's base path."""

from django.urls import path

from leaks import views

urlpatterns = [
    path("leaks", views.LeaksView.as_view(), name="leaks"),
    path("leaks/github", views.GithubLeaksView.as_view(), name="leaks-github"),
    path(".well-known/keyhouse-scanner", views.ScannerView.as_view(), name="keyhouse-scanner"),
]
