"""What apps above this one do when something happens to a person: each registers its part when it is ready.

All of it is done in the caller's transaction, under the lock of the person's row; the caller records why.
"""

from collections.abc import Callable

from accounts.models import User

Handler = Callable[[User], object]

access_ended: list[Handler] = []  # nothing may act as the person any more but API keys
second_factor_removed: list[Handler] = []  # nothing counts any more as having proven a second factor


def tell(handlers: list[Handler], user: User) -> None:
    """Have everybody who registered do their part."""
    for handler in handlers:
        handler(user)
