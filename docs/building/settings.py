"""Environment variables and the limits of attempts, as tables."""

from config.limits import DEFAULTS, Bounds
from config.variables import GROUPS, Variable
from docs.building.markdown import code, table


def variables() -> str:
    """Return one table for each group of variables."""
    return "\n\n".join(
        f"## {group}\n\n"
        + table(
            ["variable", "default", "what it is"],
            [[code(name), _default(variable), variable.about] for name, variable in rows.items()],
        )
        for group, rows in GROUPS.items()
    )


def _default(variable: Variable) -> str:
    return code(variable.default) or variable.otherwise


def limits() -> str:
    """Return how often what may be tried."""
    rows = [[code(limit), _time(bounds.seconds), *_counts(bounds)] for limit, bounds in DEFAULTS.items()]
    return table(["limit", "within", "`here`", "`account`", "`address`"], rows)


def _counts(bounds: Bounds) -> list[str]:
    return [str(count or "") for count in (bounds.here, bounds.account, bounds.address)]


def _time(seconds: int) -> str:
    return f"{seconds // 3600} h" if seconds >= 3600 else f"{seconds // 60} min"
