"""Is the process alive, and does it have its database?"""

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from config.problems import DATABASE_ERRORS, RETRY_SECONDS, UNAVAILABLE, problem_response


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """GET /health: 200 as long as the process answers."""
    return JsonResponse({"status": "ok"})


@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """GET /ready: 200 when the database answers, else 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DATABASE_ERRORS:
        return problem_response(503, "unavailable", UNAVAILABLE, headers={"Retry-After": RETRY_SECONDS})
    return JsonResponse({"status": "ready"})
