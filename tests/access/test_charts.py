"""Charts have a picture and words, and nothing that a strict content security policy forbids."""

import itertools
import xml.etree.ElementTree as ET

import pytest

from access.backoffice.charts import Chart, HourChart, Series, nice_top, sparkline

pytestmark = pytest.mark.once

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
    assert words.text == "logins: 11 in total, at most 7 (day 1)"
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


def test_a_chart_without_data_says_so() -> None:
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


def hours(*series: list[int], days: tuple[tuple[int, str], ...] = ()) -> HourChart:
    named = [Series(f"s{i}", [(f"{n}:00", v) for n, v in enumerate(one)]) for i, one in enumerate(series)]
    return HourChart("hours", "Requests per hour", named, "", days)


def test_series_of_hours_stand_on_top_of_one_another() -> None:
    paths = [path.get("d") or "" for path in drawn(hours([2, 0], [2, 1])).iter(f"{SVG}path")]
    boxes = [
        [part.split("h")[0].split(" ") + part.split("v")[1].split("h")[:1] for part in path.split("M")[1:]]
        for path in paths
    ]
    ((_, below, height),), ((_, above, on_top), (_, alone, small)) = boxes
    assert height == on_top and float(above) + float(on_top) == pytest.approx(float(below), abs=0.11)
    assert float(alone) + float(small) == pytest.approx(float(below) + float(height), abs=0.11)


def test_every_value_above_0_can_be_seen() -> None:
    path = next(iter(drawn(hours([1, 100_000])).iter(f"{SVG}path"))).get("d") or ""
    assert float(path.split("v")[1].split("h")[0]) == 1.5


def test_days_have_their_names_where_there_is_room() -> None:
    week = hours([1] * 168, days=((0, "1 May"), (5, "2 May"), (29, "3 May"), (160, "9 May")))
    words = [text.text for text in drawn(week).iter(f"{SVG}text")]
    assert words[3:] == ["2 May", "3 May"]


def test_hours_without_anything_are_not_in_the_table() -> None:
    assert hours([0, 1, 0], [0, 0, 2]).rows == [("1:00", [1, 0]), ("2:00", [0, 2])]
    assert drawn(hours([0, 0])).findtext(f"{SVG}desc") == "s0: none"


def test_a_line_says_in_words_what_it_shows_and_marks_what_is_marked() -> None:
    text = sparkline([0, 4, 2], [0, 1, 0], 'a "line" & more')
    svg = ET.fromstring(text.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))
    assert svg.get("role") == "img"
    assert svg.get("aria-label") == svg.findtext(f"{SVG}title") == 'a "line" & more'
    ((x, _), (top_x, top), (_, half)) = [
        map(float, point.split(","))
        for point in (next(svg.iter(f"{SVG}polyline")).get("points") or "").split()
    ]
    assert top == 2 and half == 10 and top_x == 32 > x > 0
    assert [circle.get("cy") for circle in svg.iter(f"{SVG}circle")] == ["2.0"]
    assert not {"style", "href"} & {name for each in svg.iter() for name in each.attrib}
