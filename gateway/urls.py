"""Paths of the gateway: the same in every profile."""

from django.urls import path

from gateway.check import check
from gateway.introspection import IntrospectionView

urlpatterns = [
    path("check", check, name="gateway-check"),
    path("introspect", IntrospectionView.as_view(), name="gateway-introspect"),
]
