"""Charts as SVG, coloured by the stylesheet and described in words for screen readers. Without Django."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

WIDTH, HEIGHT = 420, 170
LEFT, TOP, BOTTOM = 40, 14, 26
MOST_LABELS = 7
LABEL_WIDTH = 40
LEAST_HEIGHT = 1.5
LINE_WIDTH, LINE_HEIGHT = 64, 20

Point = tuple[str, int]  # a label, such as a day, and its count


@dataclass(frozen=True)
class Series:
    """One row of bars: what is counted, and the count at each label."""

    name: str
    points: Sequence[Point]

    @property
    def total(self) -> int:
        return sum(value for _, value in self.points)


@dataclass(frozen=True)
class Chart:
    """Series over the same labels. `name` makes its ids unique on the page; `note` is shown below it."""

    name: str
    title: str
    series: Sequence[Series]
    note: str = ""

    @property
    def labels(self) -> list[str]:
        return [label for label, _ in self.series[0].points]

    @property
    def rows(self) -> list[tuple[str, list[int]]]:
        """The chart as a table: each label with the value of each series."""
        return [(label, [one.points[i][1] for one in self.series]) for i, label in enumerate(self.labels)]

    @property
    def in_words(self) -> str:
        """A summary for people who cannot see the chart; the table has every value."""
        return "; ".join(_in_words(one) for one in self.series)

    @property
    def svg(self) -> str:
        """The picture, with a title and a description."""
        top = nice_top(self._most)
        return (
            f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
            f' aria-labelledby="{self.name}-title {self.name}-words">'
            f'<title id="{self.name}-title">{escape(self.title)}</title>'
            f'<desc id="{self.name}-words">{escape(self.in_words)}</desc>'
            f"{_lines(top)}{self._bars(top)}{self._labels()}</svg>"
        )

    @property
    def _most(self) -> int:
        return max((value for one in self.series for _, value in one.points), default=0)

    def _bars(self, top: int) -> str:
        room = (WIDTH - LEFT) / max(len(self.labels), 1)
        width = min(room * 0.8 / len(self.series), 48)
        return "".join(
            _bar(number, LEFT + room * (i + 0.5) + width * (number - len(self.series) / 2), width, point, top)
            for number, one in enumerate(self.series)
            for i, point in enumerate(one.points)
        )

    def _labels(self) -> str:
        """Labels below the bars, as many as fit."""
        room = (WIDTH - LEFT) / max(len(self.labels), 1)
        step = -(-len(self.labels) // MOST_LABELS)
        return "".join(
            f'<text x="{LEFT + room * (i + 0.5):.1f}" y="{HEIGHT - 6}" text-anchor="middle">'
            f"{escape(label)}</text>"
            for i, label in enumerate(self.labels)
            if i % step == 0
        )


@dataclass(frozen=True)
class HourChart(Chart):
    """Many narrow points, the series stacked. `days` are the points at which a day begins, with its label."""

    days: Sequence[tuple[int, str]] = ()

    @property
    def rows(self) -> list[tuple[str, list[int]]]:
        """The table, without empty hours."""
        return [(label, values) for label, values in super().rows if any(values)]

    @property
    def _most(self) -> int:
        return max((sum(values) for _, values in self.rows), default=0)

    def _x(self, place: float) -> float:
        return LEFT + (WIDTH - LEFT) / max(len(self.series[0].points), 1) * place

    def _bars(self, top: int) -> str:
        """One path for each series. Every value above 0 is drawn high enough to be seen."""
        width, drawn = self._x(1) - self._x(0) + 0.1, ""  # they overlap, so that no seams show
        heights = [0.0] * len(self.labels)
        for number, one in enumerate(self.series):
            path = ""
            for i, (_, value) in enumerate(one.points):
                height = max(_height(value, top), LEAST_HEIGHT) if value else 0
                heights[i] += height
                if value:
                    y = HEIGHT - BOTTOM - heights[i]
                    path += f"M{self._x(i):.2f} {y:.1f}h{width:.2f}v{height:.1f}h-{width:.2f}z"
            drawn += f'<path class="series-{number}" d="{path}"/>'
        return drawn

    def _labels(self) -> str:
        """The days: a line where each begins, and its label in the middle if it fits."""
        drawn = ""
        for (start, label), (end, _) in pairwise([*self.days, (len(self.labels), "")]):
            x = self._x(start)
            drawn += f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
            if self._x(end) - x >= LABEL_WIDTH:
                drawn += (
                    f'<text x="{self._x((start + end) / 2):.1f}" y="{HEIGHT - 6}" text-anchor="middle">'
                    f"{escape(label)}</text>"
                )
        return drawn


def sparkline(values: Sequence[int], marked: Sequence[int], words: str) -> str:
    """Return a small line of `values`, with a dot at each point that is `marked`.

    `words` describe it to screen readers, and to people who hover over it.
    """
    step, room, top = LINE_WIDTH / len(values), LINE_HEIGHT - 4, max([1, *values])
    points = [(step * (i + 0.5), 2 + room * (1 - value / top)) for i, value in enumerate(values)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2"/>'
        for (x, y), mark in zip(points, marked, strict=True)
        if mark
    )
    return (
        f'<svg class="sparkline" viewBox="0 0 {LINE_WIDTH} {LINE_HEIGHT}" role="img"'
        f' aria-label="{escape(words)}"><title>{escape(words)}</title><polyline points="{line}"/>{dots}</svg>'
    )


def nice_top(most: int) -> int:
    """Return the least of 4, 8, 10, 20, 40, 80, 100, … that is at least `most`. Its half is an integer."""
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
    return f"{one.name}: {one.total:,} in total, at most {most:,} ({label})"


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
