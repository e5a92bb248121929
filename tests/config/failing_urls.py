"""A URL configuration with our handlers, and a view that raises a given error."""

from typing import NoReturn

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError
from django.http import HttpRequest
from django.urls import path

from config.urls import handler400, handler403, handler404, handler500
from config.wire.errors import DomainError, NotFound

__all__ = ["ERRORS", "handler400", "handler403", "handler404", "handler500", "urlpatterns"]

ERRORS = {
    "bug": (RuntimeError("secret detail"), 500),
    "database": (OperationalError("secret detail"), 503),
    "denied": (PermissionDenied("secret detail"), 403),
    "suspicious": (SuspiciousOperation("secret detail"), 400),
    "refused": (DomainError("No."), 400),
    "not found": (NotFound("No."), 404),
}


def fail(request: HttpRequest, name: str) -> NoReturn:
    raise ERRORS[name][0]


urlpatterns = [path("fail/<name>", fail), path("admin/fail/<name>", fail)]
