"""Which parameters a page of the admin takes, whatever their names, and how its rows are labelled."""

import pytest
from django.http import QueryDict
from django.utils.safestring import SafeString

from access.backoffice.changelist import check_query
from access.templatetags.lists import cells
from config.wire.errors import BadQuery

pytestmark = pytest.mark.once

WORDS = "must be at most 10 words and 254 characters"


@pytest.mark.parametrize(
    "query",
    ["", "p=1", "p=999999999", "q=", f"q={'x' * 254}", f"q={'x+' * 10}", f"term={'x+' * 10}", "a=%01&b=1"],
)
def test_what_links_and_forms_send_is_taken(query: str) -> None:
    check_query(QueryDict(query))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("a=1&b=1&b=1", "b: is repeated in the query; send it once"),
        ("a=1&b=x%00", "b: contains a NUL character"),
        ("a%00=1", "a\\x00: contains a NUL character"),
        *((f"p={odd}", "p: must be the number of a page") for odd in ("", "0", "01", "1000000000", "1a")),
        *((f"q={odd}", f"q: {WORDS}") for odd in ("x" * 255, "x+" * 11)),
        *((f"term={odd}", f"term: {WORDS}") for odd in ("x" * 255, "x+" * 11)),
    ],
)
def test_what_no_link_and_no_form_sends_is_refused_by_name(query: str, said: str) -> None:
    with pytest.raises(BadQuery) as refused:
        check_query(QueryDict(query))
    assert refused.value.detail == said


def test_each_cell_names_its_column_where_a_screen_is_narrow() -> None:
    box = '<td class="action-checkbox"><input></td>'
    row = [box, SafeString('<th class="a">1</th>'), "<td>2</td>"]
    headers = [{"text": "select"}, {"text": "last use"}, {"text": 'a "b" & c'}]
    assert cells(row, headers) == [
        box,
        '<th data-label="Last use" class="a">1</th>',
        '<td data-label="A &quot;b&quot; &amp; c">2</td>',
    ]
    assert all(isinstance(cell, SafeString) for cell in cells(row, headers)[1:])


def test_a_cell_that_speaks_of_a_checkbox_is_no_checkbox() -> None:
    says = f'<td class="{"x" * 15}action-checkbox"></td>'  # the word ends one character too late
    assert cells([says], [{"text": "name"}])[0].startswith('<td data-label="Name"')


def test_a_row_has_as_many_cells_as_its_list_has_columns() -> None:
    with pytest.raises(ValueError, match="shorter"):
        cells(["<td>1</td>", "<td>2</td>"], [{"text": "name"}])
