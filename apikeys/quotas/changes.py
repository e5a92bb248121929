"""What a caller wants to change about a quota."""

from msgspec import UNSET, UnsetType

from config.changes import Changes


class QuotaChanges(Changes, frozen=True, kw_only=True):
    """New budgets in units; None removes a budget. `counts` is a value of Counts."""

    day: int | UnsetType | None = UNSET
    month: int | UnsetType | None = UNSET
    total: int | UnsetType | None = UNSET
    counts: str | UnsetType = UNSET
