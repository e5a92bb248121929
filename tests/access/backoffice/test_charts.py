"""Charts have a picture and words, and nothing that a strict content security policy forbids."""

import itertools
import xml.etree.ElementTree as ET

import pytest

from access.backoffice.charts import Chart, HourChart, Series, nice_top, sparkline

pytestmark = pytest.mark.once

SVG = "{http://www.w3.org/2000/svg}"


def shapes(svg: str) -> list[str]:
    """What is in a picture: each tag with its attributes and its text. There is no text between the tags."""
    assert not [each.tail for each in ET.fromstring(svg).iter() if each.tail]
    return [
        " ".join([each.tag, *(f"{name}={value}" for name, value in each.attrib.items()), each.text or ""])
        for each in ET.fromstring(svg).iter()
    ]


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
    ("most", "top"),
    [
        *((0, 4), (4, 4), (5, 8), (8, 8), (9, 10), (10, 10), (11, 20), (20, 20), (40, 40), (41, 80)),
        *((81, 100), (100, 100), (400, 400), (401, 800), (1_240, 2_000)),
    ],
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


def test_a_picture_of_days_is_drawn_to_scale() -> None:
    values = {"a": (3, 0, 1_000), "b": (1, 2, 500)}
    series = [Series(name, [(f"<{i}>", n) for i, n in enumerate(each)]) for name, each in values.items()]
    assert shapes(Chart("uses", "Uses", series).svg) == [
        "svg class=chart viewBox=0 0 420 170 role=img aria-labelledby=uses-title uses-words ",
        "title id=uses-title Uses",
        "desc id=uses-words a: 1,003 in total, at most 1,000 (<2>); b: 503 in total, at most 500 (<2>)",
        *("line x1=40 x2=420 y1=144.0 y2=144.0 ", "text x=34 y=148.0 text-anchor=end 0"),
        *("line x1=40 x2=420 y1=79.0 y2=79.0 ", "text x=34 y=83.0 text-anchor=end 500"),
        *("line x1=40 x2=420 y1=14.0 y2=14.0 ", "text x=34 y=18.0 text-anchor=end 1,000"),
        *("rect class=series-0 x=55.3 y=143.6 width=47.0 height=0.4 rx=1 ", "title <0>: 3"),
        *("rect class=series-0 x=182.0 y=144.0 width=47.0 height=0.0 rx=1 ", "title <1>: 0"),
        *("rect class=series-0 x=308.7 y=14.0 width=47.0 height=130.0 rx=1 ", "title <2>: 1,000"),
        *("rect class=series-1 x=103.3 y=143.9 width=47.0 height=0.1 rx=1 ", "title <0>: 1"),
        *("rect class=series-1 x=230.0 y=143.7 width=47.0 height=0.3 rx=1 ", "title <1>: 2"),
        *("rect class=series-1 x=356.7 y=79.0 width=47.0 height=65.0 rx=1 ", "title <2>: 500"),
        "text x=103.3 y=164 text-anchor=middle <0>",
        "text x=230.0 y=164 text-anchor=middle <1>",
        "text x=356.7 y=164 text-anchor=middle <2>",
    ]


def test_a_picture_of_hours_is_drawn_to_scale() -> None:
    assert shapes(hours([2, 0, 5], [1, 1, 0], days=((0, "<1>"), (2, "<2>"))).svg)[2:] == [
        "desc id=hours-words s0: 7 in total, at most 5 (2:00); s1: 2 in total, at most 1 (0:00)",
        *("line x1=40 x2=420 y1=144.0 y2=144.0 ", "text x=34 y=148.0 text-anchor=end 0"),
        *("line x1=40 x2=420 y1=79.0 y2=79.0 ", "text x=34 y=83.0 text-anchor=end 4"),
        *("line x1=40 x2=420 y1=14.0 y2=14.0 ", "text x=34 y=18.0 text-anchor=end 8"),
        "path class=series-0 d=M40.00 111.5h126.77v32.5h-126.77zM293.33 62.8h126.77v81.2h-126.77z ",
        "path class=series-1 d=M40.00 95.2h126.77v16.2h-126.77zM166.67 127.8h126.77v16.2h-126.77z ",
        *("line x1=40.0 x2=40.0 y1=14 y2=144 ", "text x=166.7 y=164 text-anchor=middle <1>"),
        *("line x1=293.3 x2=293.3 y1=14 y2=144 ", "text x=356.7 y=164 text-anchor=middle <2>"),
    ]


def test_a_day_that_is_just_wide_enough_has_its_name() -> None:
    narrow = hours([1] * 38, days=((0, "1 May"), (4, "2 May"), (7, "3 May")))  # 10 units for each hour
    assert [text.text for text in drawn(narrow).iter(f"{SVG}text")][3:] == ["1 May", "3 May"]


def test_many_bars_are_narrow_and_every_second_one_has_a_label() -> None:
    svg = drawn(chart(*range(10)))
    bars = [(bar.get("x"), bar.get("width")) for bar in svg.iter(f"{SVG}rect")]
    assert bars[:2] == [("43.8", "29.4"), ("81.8", "29.4")]
    labels = [text.text for text in svg.iter(f"{SVG}text")][3:]
    assert labels == ["day 0", "day 2", "day 4", "day 6", "day 8"]


def test_many_bars_of_two_series_share_the_room_of_one() -> None:
    points = [(f"day {i}", i) for i in range(10)]
    svg = drawn(Chart("logins", "Logins", [Series(name, points) for name in ("one", "two")]))
    assert {bar.get("width") for bar in svg.iter(f"{SVG}rect")} == {"14.2"}


def test_a_single_point_stands_in_the_middle() -> None:
    assert "rect class=series-0 x=206.0 y=79.0 width=47.0 height=65.0 rx=1 " in shapes(chart(2).svg)
    assert "text x=230.0 y=164 text-anchor=middle day 0" in shapes(chart(2).svg)
    assert "path class=series-0 d=M40.00 79.0h380.10v65.0h-380.10z " in shapes(hours([2]).svg)


@pytest.mark.parametrize("kind", [Chart, HourChart])
def test_a_chart_without_points_is_drawn(kind: type[Chart]) -> None:
    empty = kind("logins", "Logins", [Series("logins", [])])
    assert [text.text for text in drawn(empty).iter(f"{SVG}text")] == ["0", "2", "4"]


def test_a_line_is_drawn_to_scale() -> None:
    assert shapes(sparkline([0, 4, 2], [0, 1, 1], "words")) == [
        "svg class=sparkline viewBox=0 0 64 20 role=img aria-label=words ",
        "title words",
        "polyline points=10.7,18.0 32.0,2.0 53.3,10.0 ",
        *("circle cx=32.0 cy=2.0 r=2 ", "circle cx=53.3 cy=10.0 r=2 "),
    ]
    assert "polyline points=16.0,18.0 48.0,18.0 " in shapes(sparkline([0, 0], [0, 0], "nothing"))
    assert "polyline points=16.0,18.0 48.0,2.0 " in shapes(sparkline([0, 1], [0, 0], "one"))
    with pytest.raises(ValueError, match="longer"):
        sparkline([0, 1], [0, 0, 1], "a mark beside the line")
