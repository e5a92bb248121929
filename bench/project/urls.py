"""One path for each candidate."""

from django.urls import path, re_path

from bench import select
from bench.project import views

urlpatterns = [
    path("bare", views.bare),
    path("select", select.view),
    path("drf", views.Open.as_view()),
    path("simplejwt", views.SimpleJwt.as_view()),
    path("token", views.DrfToken.as_view()),
    re_path("^api-key", views.ApiKey.as_view()),  # Envoy asks below it
    path("knox", views.Knox.as_view()),
    path("oauth", views.OAuth.as_view()),
]
