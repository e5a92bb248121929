"""The figures of a run as tables, in Markdown. Knows no Django."""

import statistics
from collections.abc import Iterable, Sequence

from bench.candidates import ALL, BARE, GROWING, IN_DJANGO, OWN_DRF, PEERS, Candidate
from bench.goals import GOALS, Ratio, Run, costs, counts, growths, loads, ratios, to_open_view

HOT_COLD = ("hot", "cold")


def report(run: Run, heading: str = "##") -> str:
    """Return everything that a run has found, the goals first."""
    sections = {
        "The goals": [goals_table(run), unmet(run), ceiling(run)],
        "As it is served, a thousand callers in turn": [server_table(run, "hot"), client_share(run)],
        "As it is served, another caller with every request": [server_table(run, "cold")],
        "In the application: processor time of one request": [application_table(run)],
        growth_title(run): [growth_table(run)],
        "The machine": [machine(run)],
    }
    return "\n\n".join(f"{heading} {title}\n\n" + "\n\n".join(parts) for title, parts in sections.items())


def goals_table(run: Run) -> str:
    """Each goal, with what was measured beside it."""
    rows = [[name(goal), f"≥ {goal.least:g}", _judged(run, goal)] for goal in GOALS]
    for count in counts(run):
        figure = f"{count.figure:.2f}{count.unit}"
        rows.append([count.words, count.goal, f"{figure}{'' if count.is_met else ' — no'}"])
    return table(["", "goal", "measured"], rows)


def name(goal: Ratio) -> str:
    """A goal in words."""
    return f"{goal.subject.name}, {goal.temperature}: times {goal.words}"


def _judged(run: Run, goal: Ratio) -> str:
    found = ratios(run, goal)
    if not found:
        return "not on this machine"
    return with_spread(found) + ("" if statistics.median(found) >= goal.least else " — no")


def unmet(run: Run) -> str:
    """The goals that are not reached, in words."""
    lines = [f"{name(goal)} (goal {goal.least:g})" for goal in GOALS if _is_missed(run, goal)]
    lines += [f"{count.words} (goal {count.goal})" for count in counts(run) if not count.is_met]
    return (
        "Not reached:\n\n" + "\n".join(f"- {line}" for line in lines) if lines else "Every goal is reached."
    )


def _is_missed(run: Run, goal: Ratio) -> bool:
    found = ratios(run, goal)
    return bool(found) and statistics.median(found) < goal.least


def ceiling(run: Run) -> str:
    """What a view can be at most: one that does nothing, and one of DRF without authentication."""
    nothing, own = (
        statistics.median(ratios(run, Ratio(each, "hot", PEERS, "", 0))) for each in (BARE, OWN_DRF)
    )
    return (
        f"Compared with the best peer, a Django view that does nothing is {nothing:.2f} times as fast under"
        f" gunicorn, and a DRF view without authentication {own:.2f} times in Keyhouse's server: no DRF view"
        " that asks for a key can be faster than that."
    )


def server_table(run: Run, temperature: str) -> str:
    """How many requests a second one server process answers, what it takes for one, and how long."""
    heads = ["", "1/s", "times the open view", "processor, µs", "p50, ms", "p99, ms"]
    rows = []
    for candidate in ALL:
        found = loads(run, candidate, temperature)
        if found and _measured(candidate, temperature):
            rate, processor, p50, p99 = (
                statistics.median(figures)
                for figures in zip(*((x.rate, x.processor, x.p50, x.p99) for x in found), strict=True)
            )
            times = with_spread(to_open_view(run, candidate, temperature))
            row = [f"{rate:,.0f}", times, f"{processor:,.0f}", f"{p50:.1f}", f"{p99:.1f}"]
            rows.append([candidate.name, *row])
    return table(heads, rows)


def application_table(run: Run) -> str:
    """What one request costs without a server around the application."""
    heads = ["", "hot, µs", "queries", "cold, µs", "queries"]
    rows = [
        [each.name, *(cell for temperature in HOT_COLD for cell in _cost(run, each, temperature))]
        for each in IN_DJANGO
    ]
    return table(heads, rows)


def _cost(run: Run, candidate: Candidate, temperature: str) -> list[str]:
    """The median processor time, and queries."""
    if not _measured(candidate, temperature):
        return ["", ""]
    microseconds = statistics.median(costs(run, candidate, temperature))
    queries = statistics.median(cost[2] for cost in run["application"][temperature][candidate.name])
    return [f"{microseconds:,.0f}", f"{queries:.2f}"]


def _measured(candidate: Candidate, temperature: str) -> bool:
    return candidate.is_cold or temperature == "hot"


def growth_title(run: Run) -> str:
    return f"Growth from {run['few']:,} to {run['most']:,} keys: time on the clock of a cold request"


def growth_table(run: Run) -> str:
    """How much longer a cold request takes when there are more keys."""
    rows = []
    for candidate in GROWING:
        clocks = [
            statistics.median(cost[1] for cost in run["growth"][size][candidate.name])
            for size in ("few", "most")
        ]
        rows.append(
            [candidate.name, *(f"{clock:,.0f}" for clock in clocks), middle_half(growths(run, candidate))]
        )
    heads = ["", f"{run['few']:,} keys, µs", f"{run['most']:,} keys, µs", "growth (middle half of the turns)"]
    return table(heads, rows)


def client_share(run: Run) -> str:
    """How busy the load was at most: it must not be what is measured."""
    most = {
        is_django: max(
            (
                load.client_share
                for candidate in ALL
                if (candidate in IN_DJANGO) == is_django
                for load in loads(run, candidate, "hot")
            ),
            default=0,
        )
        for is_django in (True, False)
    }
    return (
        f"The client took at most {most[True]:.0%} of its core, but {most[False]:.0%} with nginx and Go,"
        " which is why the goal there is in processor time."
    )


def machine(run: Run) -> str:
    """What it was measured on, and with what."""
    return "\n".join(f"- {key}: {value}" for key, value in run["machine"].items())


def with_spread(figures: Sequence[float]) -> str:
    """The median, and the least and the greatest."""
    return f"{statistics.median(figures):.2f} ({min(figures):.2f}–{max(figures):.2f})"


def middle_half(figures: Sequence[float]) -> str:
    """The median, and between what half of the figures lie."""
    low, middle, high = statistics.quantiles(figures, method="inclusive")
    return f"{middle:.2f} ({low:.2f}–{high:.2f})"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown that can be read as it is, too."""
    lines = [list(heads), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    lines.insert(1, ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])])
    return "\n".join(
        f"| {line[0]:<{widths[0]}} | "
        + " | ".join(f"{cell:>{width}}" for cell, width in zip(line[1:], widths[1:], strict=True))
        + " |"
        for line in lines
    )


def between_markers(page: str, text: str) -> str:
    """Return the page with `text` in place of what stands between its two markers."""
    start, end = "<!-- figures -->", "<!-- end of figures -->"
    before, _, rest = page.partition(start)
    _, _, after = rest.partition(end)
    return f"{before}{start}\n\n{text}\n\n{end}{after}"
