"""Reads bodies and query parameters strictly, and names all wrong members in one error."""

from collections.abc import Mapping
from typing import Any, TypeVar

from django.db.models import Model
from django.http import QueryDict
from rest_framework.request import Request

from config.wire.errors import Invalid
from config.wire.lists.order import check_cursor
from config.wire.lists.pages import CURSOR, PAGE_SIZE, page_size_of
from config.wire.lists.query import ListQuery
from config.wire.members import IS_REPEATED, FormFaults, RequestForm
from config.wire.parsers import REPEATED

Form = TypeVar("Form", bound=RequestForm)
OF_PAGES = {CURSOR: check_cursor, PAGE_SIZE: page_size_of}  # the parameters of all lists, with their checks


def parse_body(form: type[RequestForm], request: Request, *, row: Model | None = None) -> dict[str, Any]:
    """Return the body's members by their canonical names. Raises FormFaults.

    Values that `row`, which the body changes, already has are not checked by the rules of fields. Members of
    an HTML form without a value count as left out (RFC 6749 section 3.2).
    """
    sent = [] if request.data is None else request.data  # DRF would say of null that no data was provided
    if isinstance(sent, QueryDict):
        sent = {name: value for name, value in _single(sent).items() if value}
    members: dict[str, Any] = _checked(form(data=sent, context={"row": row})).validated_data
    return members


def parse_query(form: type[RequestForm], request: Request) -> dict[str, Any]:
    """Return the query parameters by their canonical names. Raises FormFaults."""
    sent = _single(request.query_params)
    members: dict[str, Any] = _checked(form(data=sent, context={"kind": "parameter"})).validated_data
    return members


def parse_list_query(form: type[ListQuery], request: Request, context: Mapping[str, Any]) -> ListQuery:
    """Return the checked query parameters of a list, without those for pagination. Raises FormFaults."""
    sent = _single(request.query_params)
    pages = {name: sent.pop(name) for name in OF_PAGES if name in sent}
    query = form(data=sent, context={**context, "kind": "parameter", "others": OF_PAGES})
    return _checked(query, _faults_of_pages(pages))


def _single(sent: QueryDict) -> dict[str, Any]:
    return {name: values[0] if len(values) == 1 else REPEATED for name, values in sent.lists()}


def _faults_of_pages(sent: Mapping[str, Any]) -> dict[str, str]:
    faults: dict[str, str] = {}
    for name, check in OF_PAGES.items():
        try:
            if sent.get(name) is REPEATED:
                raise Invalid(name, IS_REPEATED)
            check(sent.get(name))
        except Invalid as error:
            faults |= error.errors
    return faults


def _checked(form: Form, faults: Mapping[str, str] | None = None) -> Form:
    if not form.is_valid() or faults:
        raise FormFaults({**form.errors, **(faults or {})}, form.unnamed)
    return form
