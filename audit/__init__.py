"""The append-only, hash-chained record of what happened. The lowest layer: it imports no other app."""
