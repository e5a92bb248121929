"""All our URLs, a view that fails, and one that says what is imported in the process that answers."""

import os
import sys
from typing import NoReturn

from django.http import HttpRequest, JsonResponse
from django.urls import path

from config.urls import handler400, handler403, handler404, handler500
from config.urls import urlpatterns as ours

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]


def fail(request: HttpRequest) -> NoReturn:
    key, person, secret = (request.headers[name] for name in ("X-API-Key", "From", "X-Secret"))
    raise RuntimeError(f"about {key} of <{person}>\nDETAIL: (name)=({secret})")


def process(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"pid": os.getpid(), "modules": sorted(sys.modules)})


urlpatterns = [*ours, path("fail", fail, name="fail"), path("process", process)]
