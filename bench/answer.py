"""What every view answers."""

ANSWER = {"items": ["anchor", "beacon", "compass"], "next": None}
