"""Bar charts as SVG: drawn here, coloured by the stylesheet, readable without eyes. Knows no Django."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 420, 170
LEFT, TOP, BOTTOM = 40, 14, 26
MOST_LABELS = 7

Point = tuple[str, int]  # a label, such as a day, and how many


@dataclass(frozen=True)
class Series:
    """One row of bars: what is counted, and how many there are at each label."""

    name: str
    points: Sequence[Point]

    @property
    def total(self) -> int:
        return sum(value for _, value in self.points)


@dataclass(frozen=True)
class Chart:
    """Series over the same labels. `name` is its own word on the page; a `note` stands below."""

    name: str
    title: str
    series: Sequence[Series]
    note: str = ""

    @property
    def labels(self) -> list[str]:
        return [label for label, _ in self.series[0].points]

    @property
    def rows(self) -> list[tuple[str, list[int]]]:
        """The same as a table: a label, and the value in each series."""
        return [(label, [one.points[i][1] for one in self.series]) for i, label in enumerate(self.labels)]

    @property
    def in_words(self) -> str:
        """What somebody who does not see the chart is told; the whole of it is in the table."""
        return "; ".join(_in_words(one) for one in self.series)

    @property
    def svg(self) -> str:
        """The picture, with a title and a description."""
        top = nice_top(max((value for one in self.series for _, value in one.points), default=0))
        return (
            f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
            f' aria-labelledby="{self.name}-title {self.name}-words">'
            f'<title id="{self.name}-title">{escape(self.title)}</title>'
            f'<desc id="{self.name}-words">{escape(self.in_words)}</desc>'
            f"{_lines(top)}{self._bars(top)}{self._labels()}</svg>"
        )

    def _bars(self, top: int) -> str:
        room = (WIDTH - LEFT) / max(len(self.labels), 1)
        width = min(room * 0.8 / len(self.series), 48)
        return "".join(
            _bar(number, LEFT + room * (i + 0.5) + width * (number - len(self.series) / 2), width, point, top)
            for number, one in enumerate(self.series)
            for i, point in enumerate(one.points)
        )

    def _labels(self) -> str:
        """Labels below the bars; not all of them if there is no room."""
        room = (WIDTH - LEFT) / max(len(self.labels), 1)
        step = -(-len(self.labels) // MOST_LABELS)
        return "".join(
            f'<text x="{LEFT + room * (i + 0.5):.1f}" y="{HEIGHT - 6}" text-anchor="middle">'
            f"{escape(label)}</text>"
            for i, label in enumerate(self.labels)
            if i % step == 0
        )


def nice_top(most: int) -> int:
    """Return the least of 4, 8, 10, 20, 40, 80, 100, … that is at least `most`: its half is whole."""
    if most <= 4:
        return 4
    power = 1
    while True:
        for digit in (8, 10, 20, 40):
            if digit * power >= most:
                return digit * power
        power *= 10


def _in_words(one: Series) -> str:
    if not one.total:
        return f"{one.name}: none"
    label, most = max(one.points, key=lambda point: point[1])
    return f"{one.name}: {one.total:,} in all, most at {label}: {most:,}"


def _height(value: int, top: int) -> float:
    return (HEIGHT - TOP - BOTTOM) * value / top


def _lines(top: int) -> str:
    """Three horizontal lines with their numbers."""
    drawn = []
    for value in (0, top // 2, top):
        y = HEIGHT - BOTTOM - _height(value, top)
        drawn.append(
            f'<line x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:,}</text>'
        )
    return "".join(drawn)


def _bar(number: int, x: float, width: float, point: Point, top: int) -> str:
    label, value = point
    height = _height(value, top)
    return (
        f'<rect class="series-{number}" x="{x:.1f}" y="{HEIGHT - BOTTOM - height:.1f}"'
        f' width="{width - 1:.1f}" height="{height:.1f}" rx="1">'
        f"<title>{escape(label)}: {value:,}</title></rect>"
    )
