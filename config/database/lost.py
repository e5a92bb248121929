"""A signal for lost database connections, after which caches must not trust what they read."""

from django.dispatch import Signal

connection_lost = Signal()  # only for connections in use; an idle one that ended is replaced silently
