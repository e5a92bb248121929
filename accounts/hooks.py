"""Hooks for apps above this one: what they do when something happens to a person or an organization.

Handlers run in the caller's transaction, with the person's row locked. The caller records the reason.
"""

from collections import Counter
from collections.abc import Callable
from typing import Protocol

from accounts.models import Organization, Session, User
from audit.actors import Origin

Owner = User | Organization
Handler = Callable[[User], object]


class Holdings(Protocol):
    """What people and organizations own and what is deleted with them: API keys."""

    def count(self, owner: Owner) -> int:
        """Return how many the owner has."""

    def is_working(self, owner: Owner) -> bool:
        """Whether any of them is not revoked."""

    def delete(self, owner: Owner) -> Counter[str]:
        """Delete those of a locked owner; return the number of rows by model."""


holdings: list[Holdings] = []

login_visited: list[Callable[[Session, Origin], bool]] = []  # whether the login of a browser goes on

access_ended: list[Handler] = []  # end all access of the person except API keys
second_factor_removed: list[Handler] = []  # treat nothing of the person as proven by a second factor


def tell(handlers: list[Handler], user: User) -> None:
    """Call each handler for `user`."""
    for handler in handlers:
        handler(user)
