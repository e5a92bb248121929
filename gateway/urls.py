"""The gateway's paths, the same in every profile. GatewayMiddleware answers /gateway/check."""

from django.urls import path

from gateway.introspection import IntrospectionView
from gateway.reports import ReportView

urlpatterns = [
    path("introspect", IntrospectionView.as_view(), name="gateway-introspect"),
    path("report", ReportView.as_view(), name="gateway-report"),
]
