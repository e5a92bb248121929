"""Charts: a picture with words beside it, and nothing in it that a strict policy forbids."""

import itertools
import xml.etree.ElementTree as ET

import pytest

from config.charts import Chart, Series, nice_top

SVG = "{http://www.w3.org/2000/svg}"


def drawn(chart: Chart) -> ET.Element:
    return ET.fromstring(chart.svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def chart(*values: int, title: str = "Logins per day") -> Chart:
    return Chart("logins", title, [Series("logins", [(f"day {i}", n) for i, n in enumerate(values)])])


def test_a_chart_has_a_title_and_a_text_that_says_what_is_in_it() -> None:
    svg = drawn(chart(1, 7, 3))
    title, words = svg.find(f"{SVG}title"), svg.find(f"{SVG}desc")
    assert title is not None and words is not None
    assert title.text == "Logins per day"
    assert words.text == "logins: 11 in all, most at day 1: 7"
    assert svg.get("role") == "img"
    assert svg.get("aria-labelledby") == f"{title.get('id')} {words.get('id')}"


def test_bars_are_as_high_as_their_values() -> None:
    heights = [float(bar.get("height") or 0) for bar in drawn(chart(0, 2, 4)).iter(f"{SVG}rect")]
    assert heights[0] == 0
    assert heights[2] == 2 * heights[1] > 0


def test_bars_of_several_series_stand_side_by_side_and_in_the_picture() -> None:
    both = Chart("both", "Both", [Series(name, [("a", 5), ("b", 9)]) for name in ("one", "two")])
    places = [(float(b.get("x") or 0), float(b.get("width") or 0)) for b in drawn(both).iter(f"{SVG}rect")]
    ordered = sorted(places)
    assert all(x + width <= following for (x, width), (following, _) in itertools.pairwise(ordered))
    assert ordered[0][0] > 0 and sum(ordered[-1]) < 420
    assert both.rows == [("a", [5, 5]), ("b", [9, 9])]


def test_nothing_to_show_is_said() -> None:
    assert chart(0, 0).in_words == "logins: none"
    drawn(chart(0, 0))


def test_what_is_in_a_chart_is_text_and_no_markup() -> None:
    odd = chart(1, title="<script>\"'&")
    assert "<script>" not in odd.svg
    assert drawn(odd).findtext(f"{SVG}title") == "<script>\"'&"


def test_there_is_no_style_no_script_and_no_address_in_it() -> None:
    attributes = {name for each in drawn(chart(1, 2)).iter() for name in each.attrib}
    assert not {"style", "href", "onload", "onclick"} & attributes


@pytest.mark.parametrize(
    ("most", "top"), [(0, 4), (3, 4), (5, 8), (9, 10), (11, 20), (41, 80), (99, 100), (1_240, 2_000)]
)
def test_the_numbers_beside_a_chart_are_round(most: int, top: int) -> None:
    assert nice_top(most) == top
