"""The chart of a run: bars that can be read on a light and on a dark page, and text that is text."""

import statistics
from collections.abc import Iterator
from xml.sax.saxutils import escape

from bench.candidates import IN_DJANGO, MALFORMED, UNKNOWN, Candidate
from bench.goals import Run, loads

WIDTH, LABELS, FIGURES = 860, 330, 70
ROW, BAR, TOP = 38, 14, 56
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 15px }
  .hot { fill: #c2410c } .cold { fill: #1d4ed8 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .hot { fill: #fb923c } .cold { fill: #60a5fa }
  }
"""


def chart(run: Run) -> str:
    """Return an SVG document: requests per second of each candidate, hot and cold."""
    shown = [candidate for candidate in IN_DJANGO if candidate not in (MALFORMED, UNKNOWN)]
    fastest = max(_rate(run, candidate, "hot") for candidate in shown)
    height = TOP + ROW * len(shown) + 10
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
        ' aria-labelledby="title">',
        f"<style>{STYLE}</style>",
        f'<text id="title" class="title" x="0" y="18">Requests per second, one server process,'
        f" {run['rows']:,} keys in PostgreSQL</text>",
        '<rect class="hot" x="0" y="30" width="12" height="12"/>'
        '<text x="18" y="41">1,000 callers in turn</text>',
        '<rect class="cold" x="180" y="30" width="12" height="12"/>'
        '<text x="198" y="41">another caller each time</text>',
    ]
    for row, candidate in enumerate(shown):
        lines += _bars(run, candidate, TOP + ROW * row, (WIDTH - LABELS - FIGURES) / fastest)
    return "\n".join([*lines, "</svg>", ""])


def _bars(run: Run, candidate: Candidate, y: int, scale: float) -> Iterator[str]:
    middle = y + BAR + (4 if candidate.is_cold else -3)
    yield f'<text x="0" y="{middle}">{escape(candidate.name)}</text>'
    for number, temperature in enumerate(("hot", "cold") if candidate.is_cold else ("hot",)):
        rate, top = _rate(run, candidate, temperature), y + number * (BAR + 1)
        width = rate * scale
        yield f'<rect class="{temperature}" x="{LABELS}" y="{top}" width="{width:.1f}" height="{BAR}"/>'
        yield f'<text x="{LABELS + width + 6:.1f}" y="{top + 12}">{rate:,.0f}</text>'


def _rate(run: Run, candidate: Candidate, temperature: str) -> float:
    return statistics.median(each.rate for each in loads(run, candidate, temperature))
