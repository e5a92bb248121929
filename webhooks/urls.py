"""Paths of the webhook endpoints, below the profile's base path."""

from rest_framework.routers import SimpleRouter

from webhooks import views

PATH = "webhooks"

router = SimpleRouter(trailing_slash=False)
router.register(PATH, views.WebhookViewSet, basename="webhook")

urlpatterns = router.urls
