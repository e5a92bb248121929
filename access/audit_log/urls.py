"""Path of the audit endpoint, below the profile's base path."""

from rest_framework.routers import SimpleRouter

from access.audit_log import views

router = SimpleRouter(trailing_slash=False)
router.register("audit", views.EventViewSet, basename="event")

urlpatterns = router.urls
