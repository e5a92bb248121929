"""Paths of the key endpoints, below the profile's base path."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from apikeys import views
from apikeys.quotas.views import KeyQuotaView, OrganizationQuotaView
from config import profiles

router = SimpleRouter(trailing_slash=False)
router.register(profiles.active().paths.api_keys, views.ApiKeyViewSet, basename="api-key")

urlpatterns = [
    *router.urls,
    path("scopes", views.ScopesView.as_view(), name="scopes"),
    path(f"{profiles.active().paths.api_keys}/<str:pk>/quota", KeyQuotaView.as_view(), name="api-key-quota"),
    path(
        "organizations/<str:organization_id>/quota",
        OrganizationQuotaView.as_view(),
        name="organization-quota",
    ),
]
