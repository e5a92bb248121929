"""Health checks: /health for the process, /ready for its database."""

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from config.wire.http.methods import takes
from config.wire.problems import DATABASE_ERRORS, unavailable


@takes("GET")
def health(request: HttpRequest) -> HttpResponse:
    """GET /health: 200 while the process answers requests."""
    return JsonResponse({"status": "ok"})


@takes("GET")
def ready(request: HttpRequest) -> HttpResponse:
    """GET /ready: 200 when the database answers, else 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DATABASE_ERRORS as error:
        return unavailable(error)
    return JsonResponse({"status": "ready"})
