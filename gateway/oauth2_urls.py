"""The gateway's path for OAuth2 clients, below the profile's base path."""

from django.urls import URLPattern, path

from config import profiles
from gateway.client_introspection import ClientIntrospectionView

urlpatterns: list[URLPattern] = []
if profiles.active().oauth2 is not None:
    urlpatterns.append(
        path("auth/oauth2/introspect", ClientIntrospectionView.as_view(), name="oauth2-introspect")
    )
