"""Shows plans: to people as lines, to programs as documents. Neither has a secret in it."""

from collections.abc import Iterable, Iterator
from typing import Any

from config.commands.tables import Line
from config.logs import escape
from provisioning import organizations
from provisioning.applying import Applied
from provisioning.changes import NOTHING, Action, Change, Difference, Value
from provisioning.planning import OUTSIDE, Plan

SIGNS = {
    Action.CREATE: ("+", "green"),
    Action.UPDATE: ("~", "yellow"),
    Action.REPLACE: ("±", "magenta"),
    Action.DELETE: ("-", "red"),
    Action.KEEP: (" ", "dim"),
}
WORDS = {
    Action.CREATE: ("to make", "made"),
    Action.UPDATE: ("to change", "changed"),
    Action.REPLACE: ("to replace", "replaced"),
    Action.DELETE: ("to delete", "deleted"),
}
KEPT = " is not in the file and stays; --prune deletes it"
ABSENT = " is absent in the file and stays; --prune deletes it"
LONGEST = 200  # characters of a value


def lines(plans: Iterable[Plan]) -> Iterator[Line]:
    """Yield the changes below the name of their organization."""
    for plan in plans:
        if plan.changes:
            yield Line(escape(plan.name) or OUTSIDE.name, "bold")
            for change in plan.changes:
                yield from _lines_of(change)


def _lines_of(change: Change) -> Iterator[Line]:
    sign, style = SIGNS[change.action]
    after = (ABSENT if change.kind == organizations.KIND else KEPT) if change.action is Action.KEEP else ""
    yield Line(f"  {sign} {change.kind} {escape(change.name)}{after}", style)
    for difference in change.differences:
        yield Line(f"      {_words(difference, change.action)}", style)


def _words(difference: Difference, action: Action) -> str:
    after = _value(difference.after)
    if action is Action.CREATE:
        return f"{difference.member}: {after}"
    return f"{difference.member}: {_value(difference.before)} → {after}"


def _value(value: Value) -> str:
    if value in NOTHING:
        return "(nothing)"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = escape(", ".join(value) if isinstance(value, tuple) else str(value))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def summary(plans: Iterable[Plan], *, is_done: bool) -> Line:
    """Return how many changes of each kind there are."""
    actions = [change.action for plan in plans for change in plan.changes]
    parts = [
        f"{actions.count(action)} {words[is_done]}" for action, words in WORDS.items() if action in actions
    ]
    return Line(", ".join(parts) or "No changes.", "bold" if parts else "green")


def document(plan: Plan) -> dict[str, Any]:
    """Return a plan for --json."""
    return {"organization": plan.name or None, "changes": [_document(change) for change in plan.changes]}


def _document(change: Change) -> dict[str, Any]:
    members = {
        each.member: {"from": _plain(each.before), "to": _plain(each.after)} for each in change.differences
    }
    return {"action": change.action, "kind": change.kind, "name": change.name, "members": members}


def _plain(value: Value) -> Any:
    return list(value) if isinstance(value, tuple) else value


def applied(done: Applied) -> Iterator[Line]:
    """Yield what was done in an organization, and where its new secrets are."""
    yield from lines([done.plan])
    for secret, place in zip(done.secrets, done.places, strict=True):
        yield Line(f"  secret of {secret.kind} {escape(secret.name)}: {escape(place)}", "cyan")


def applied_document(done: Applied) -> dict[str, Any]:
    """Return what was done in an organization for --json."""
    places = [
        {"kind": secret.kind, "name": secret.name, "place": place}
        for secret, place in zip(done.secrets, done.places, strict=True)
    ]
    return {**document(done.plan), "new_secrets": places}
