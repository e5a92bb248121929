"""The pages of keys, below /account/keys."""

from django.urls import path

from console.keys.lists import KeysPage
from console.keys.made import NewKeyPage
from console.keys.narrowing import NarrowKeyPage, WidenKeyPage
from console.keys.one import (
    DisableKeyPage,
    EditKeyPage,
    EnableKeyPage,
    KeyPage,
    RevokeKeyPage,
    RotateKeyPage,
)
from console.keys.quota import QuotaOfKeyPage

urlpatterns = [
    path("", KeysPage.as_view(), name="console-keys"),
    path("/new", NewKeyPage.as_view(), name="console-key-new"),
    path("/<uuid:uuid>", KeyPage.as_view(), name="console-key"),
    path("/<uuid:uuid>/edit", EditKeyPage.as_view(), name="console-key-edit"),
    path("/<uuid:uuid>/quota", QuotaOfKeyPage.as_view(), name="console-key-quota"),
    path("/<uuid:uuid>/rotate", RotateKeyPage.as_view(), name="console-key-rotate"),
    path("/<uuid:uuid>/disable", DisableKeyPage.as_view(), name="console-key-disable"),
    path("/<uuid:uuid>/enable", EnableKeyPage.as_view(), name="console-key-enable"),
    path("/<uuid:uuid>/narrow", NarrowKeyPage.as_view(), name="console-key-narrow"),
    path("/<uuid:uuid>/widen", WidenKeyPage.as_view(), name="console-key-widen"),
    path("/<uuid:uuid>/revoke", RevokeKeyPage.as_view(), name="console-key-revoke"),
]
