"""Reads bodies and query parameters strictly, and names the wrong member in errors."""

from typing import Any

from rest_framework.request import Request
from rest_framework.serializers import Serializer

from config.wire.errors import Invalid, shown

PAGE_PARAMETERS = {"cursor", "page_size"}


def parse_body(form: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    """Return the body's members by their canonical names. Raises DRF's ValidationError."""
    return _checked(form(data=request.data))


def parse_query(form: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    """Return the query parameters by their canonical names, without those for pagination.

    Raises DRF's ValidationError, or Invalid for a repeated parameter.
    """
    sent = {name: values for name, values in request.query_params.lists() if name not in PAGE_PARAMETERS}
    for name, values in sent.items():
        if len(values) > 1:
            raise Invalid(shown(name), "is repeated in the query")
    return _checked(form(data={name: values[0] for name, values in sent.items()}))


def no_query(request: Request) -> None:
    """Raise Invalid for every query parameter but those for pagination, for a list without filters."""
    for name in request.query_params.keys() - PAGE_PARAMETERS:
        raise Invalid(shown(name), "is not a parameter of this list, which has no filters")


def _checked(sent: Serializer[Any]) -> dict[str, Any]:
    sent.is_valid(raise_exception=True)
    members: dict[str, Any] = sent.validated_data
    return members
