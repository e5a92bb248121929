"""Pages outside the admin: consent, login, mailed links and the console."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from config import profiles


def page(
    request: HttpRequest,
    template: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **context: Any,
) -> HttpResponse:
    """Render a page in the product's name."""
    context["product"] = profiles.active().product.name
    response = render(request, template, context, status=status)
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response
