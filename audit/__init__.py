"""The append-only, hash-chained record of what happened. The ground floor: it imports no other app."""
