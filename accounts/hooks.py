"""What apps above this one do when something happens to a person or an organization: each registers its part.

All of it is done in the caller's transaction, under the lock of the person's row; the caller records why.
"""

from collections import Counter
from collections.abc import Callable
from typing import Protocol

from accounts.models import Organization, User

Owner = User | Organization
Handler = Callable[[User], object]


class Holdings(Protocol):
    """What people and organizations own that goes with them: API keys."""

    def count(self, owner: Owner) -> int:
        """How many there are."""

    def is_working(self, owner: Owner) -> bool:
        """Whether any of them is not revoked."""

    def delete(self, owner: Owner) -> Counter[str]:
        """Delete them, of a locked owner; return how many rows of each kind."""


holdings: list[Holdings] = []

access_ended: list[Handler] = []  # nothing may act as the person any more but API keys
second_factor_removed: list[Handler] = []  # nothing counts any more as having proven a second factor


def tell(handlers: list[Handler], user: User) -> None:
    """Have everybody who registered do their part."""
    for handler in handlers:
        handler(user)
