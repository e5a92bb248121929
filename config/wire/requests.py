"""Reads bodies and query parameters strictly, and names all wrong members in one error."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Model
from django.http import QueryDict
from rest_framework.request import Request

from config.wire.errors import Invalid
from config.wire.members import IS_REPEATED, FormFaults, RequestForm, RequestSerializer
from config.wire.pagination import Pages
from config.wire.parsers import REPEATED

PAGE_PARAMETERS = {"cursor", "page_size"}


class NoFilters(RequestSerializer):
    """The query parameters of a list without filters: none but those for pagination."""

    resource = "list"


def parse_body(form: type[RequestForm], request: Request, *, row: Model | None = None) -> dict[str, Any]:
    """Return the body's members by their canonical names. Raises FormFaults.

    Values that `row`, which the body changes, already has are not checked by the rules of fields. Members of
    an HTML form without a value count as left out (RFC 6749 section 3.2).
    """
    sent = request.data
    if isinstance(sent, QueryDict):
        sent = {name: value for name, value in _single(sent).items() if value}
    return _checked(form(data=sent, context={"row": row}), {})


def parse_query(form: type[RequestForm], request: Request, *, is_list: bool = True) -> dict[str, Any]:
    """Return the query parameters by their canonical names. Raises FormFaults.

    A list also takes the parameters for pagination. They are checked here, and left out of the result.
    """
    sent, faults = _single(request.query_params), {}
    if is_list:
        pages = {name: sent.pop(name) for name in PAGE_PARAMETERS & sent.keys()}
        faults = _faults_of_pages(request) | {
            name: IS_REPEATED for name, value in pages.items() if value is REPEATED
        }
    return _checked(form(data=sent, context={"kind": "parameter"}), faults)


def no_query(request: Request) -> None:
    """Raise FormFaults for query parameters that a list without filters does not take."""
    parse_query(NoFilters, request)


def _single(sent: QueryDict) -> dict[str, Any]:
    return {name: values[0] if len(values) == 1 else REPEATED for name, values in sent.lists()}


def _faults_of_pages(request: Request) -> dict[str, str]:
    faults: dict[str, str] = {}
    for read in (Pages().get_page_size, Pages().decode_cursor):
        try:
            read(request)
        except Invalid as error:
            faults |= error.errors
    return faults


def _checked(form: RequestForm, faults: Mapping[str, str]) -> dict[str, Any]:
    if not form.is_valid() or faults:
        raise FormFaults({**form.errors, **faults}, form.unnamed)
    members: dict[str, Any] = form.validated_data
    return members
