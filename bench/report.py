"""The figures of a run as tables, in Markdown. Knows no Django."""

import statistics
from collections.abc import Iterable, Sequence

from bench.candidates import ALL, BARE, DRF, GROWING, PEERS, Candidate
from bench.goals import GOALS, PLACES, Ratio, Run, counts, growths, ratios, speeds, to_open_view

HOT_COLD = ("hot", "cold")


def report(run: Run, heading: str = "##") -> str:
    """Return everything that a run has found, the goals first."""
    sections = {
        "The goals": [goals_table(run), unmet(run), ceiling(run)],
        "As it is served: requests per second": [server_table(run), client_share(run)],
        "In the application: processor time of one request": [application_table(run)],
        growth_title(run): [growth_table(run)],
        "The machine": [machine(run)],
    }
    return "\n\n".join(f"{heading} {title}\n\n" + "\n\n".join(parts) for title, parts in sections.items())


def goals_table(run: Run) -> str:
    """Each goal, with what was measured beside it."""
    rows = [
        [name(goal), f"≥ {goal.least:g}", *(_judged(run, where, goal) for where in PLACES)] for goal in GOALS
    ]
    for count in counts(run):
        figure = f"{count.figure:.2f}{count.unit}"
        rows.append([count.words, count.goal, "", f"{figure}{'' if count.is_met else ' — no'}"])
    return table(["", "goal", *PLACES.values()], rows)


def name(goal: Ratio) -> str:
    """A goal in words."""
    return f"{goal.subject.name}, {goal.temperature}: times {goal.words}"


def _judged(run: Run, where: str, goal: Ratio) -> str:
    found = ratios(run, where, goal)
    return with_spread(found) + ("" if statistics.median(found) >= goal.least else " — no")


def unmet(run: Run) -> str:
    """The goals that are not reached, by where that is, in words."""
    counted = [f"{count.words} (goal {count.goal})" for count in counts(run) if not count.is_met]
    missed = {words: _missed(run, where) for where, words in PLACES.items()}
    missed[PLACES["application"]] += counted
    return "\n\n".join(
        f"Not reached {words}:\n\n" + "\n".join(f"- {line}" for line in lines)
        if lines
        else f"Every goal is reached {words}."
        for words, lines in missed.items()
    )


def _missed(run: Run, where: str) -> list[str]:
    missed = [goal for goal in GOALS if statistics.median(ratios(run, where, goal)) < goal.least]
    return [f"{name(goal)} (goal {goal.least:g})" for goal in missed]


def ceiling(run: Run) -> str:
    """What is possible at all at this server, whose own time everybody pays."""
    nothing = [Ratio(BARE, "hot", others, "", 0) for others in ((DRF,), PEERS)]
    open_view, peer = (statistics.median(ratios(run, "served", each)) for each in nothing)
    return (
        f"At this server a Django view that does nothing is {open_view:.2f} times as fast as the DRF view"
        f" without authentication, and {peer:.2f} times as fast as the best peer: about the most that Django"
        " can do there."
    )


def server_table(run: Run) -> str:
    """How many requests a second one server process answers."""
    heads = ["", "hot, 1/s", "times the open view", "cold, 1/s", "times the open view"]
    rows = []
    for candidate in ALL:
        row = [candidate.name]
        for temperature in HOT_COLD:
            row += _pair(run, "served", candidate, temperature)
        rows.append(row)
    return table(heads, rows)


def application_table(run: Run) -> str:
    """What one request costs without a server around the application."""
    heads = ["", "hot, µs", "times the open view", "queries", "cold, µs", "times the open view", "queries"]
    rows = []
    for candidate in ALL:
        row = [candidate.name]
        for temperature in HOT_COLD:
            row += _pair(run, "application", candidate, temperature)
            row.append(_queries(run, candidate, temperature))
        rows.append(row)
    return table(heads, rows)


def _pair(run: Run, where: str, candidate: Candidate, temperature: str) -> list[str]:
    """The median figure, and its ratio to the DRF view without authentication."""
    if not _measured(candidate, temperature):
        return ["", ""]
    speed = statistics.median(speeds(run, where, candidate, temperature))
    figure = f"{speed:,.0f}" if where == "served" else f"{1e6 / speed:,.0f}"
    return [figure, with_spread(to_open_view(run, where, candidate, temperature))]


def _queries(run: Run, candidate: Candidate, temperature: str) -> str:
    if not _measured(candidate, temperature):
        return ""
    return f"{statistics.median(cost[2] for cost in run['application'][temperature][candidate.name]):.2f}"


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
    loads = [load[1] for each in HOT_COLD for rounds in run["served"][each].values() for load in rounds]
    return f"The client took at most {max(loads):.0%} of its core."


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
