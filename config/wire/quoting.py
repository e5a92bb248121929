"""How errors spell what a client sent: short, and in ASCII. Independent of Django."""

LONGEST_NAME = 100


def shown(name: str) -> str:
    """Return how an error spells a member name from a client: its beginning, in ASCII."""
    return ascii(name[:LONGEST_NAME])[1:-1]


def quoted(text: str) -> str:
    """Return how an error spells a value from a client: its beginning, in ASCII and quotes."""
    return f"'{shown(text)}'"
