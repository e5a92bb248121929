"""What happens when a connection to the database is lost: memory of what it said has to know."""

from django.dispatch import Signal

connection_lost = Signal()  # in use: one that ended while it lay idle is replaced, and says nothing
