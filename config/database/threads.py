"""The database connection of a thread, checked before each piece of work."""

import threading
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections


class _Own(threading.local):
    """The connection of this thread. To ask Django for it takes longer than to check it."""

    def __init__(self) -> None:
        self.connection = connections[DEFAULT_DB_ALIAS]


_own = _Own()


def renew_connection(**_: Any) -> None:
    """Close this thread's connection if it is broken or has lived long enough; the next query opens another.

    Does what Django's `close_old_connections` does, for the one database of Keyhouse.
    """
    _own.connection.close_if_unusable_or_obsolete()
