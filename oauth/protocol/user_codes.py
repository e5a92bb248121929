"""User codes: what a device shows, and a person types into the console (RFC 8628 section 6.1).

Independent of the database.
"""

import secrets

ALPHABET = (
    "BCDFGHJKLMNPQRSTVWXZ"  # RFC 8628 section 6.1: no vowels, so no words; nothing that looks like a digit
)
LENGTH = 8  # 20^8 is 34 bits
HALF = LENGTH // 2
LONGEST = 32  # characters that a person may type, with dashes and spaces


def new() -> str:
    """Return a new user code."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def shown(code: str) -> str:
    """Return the code as people see it: WDJB-MJHT."""
    return f"{code[:HALF]}-{code[HALF:]}"


def read(typed: str) -> str | None:
    """Return the code that a person typed in any case, with or without dashes and spaces.

    Return None for a text that is no code.
    """
    if len(typed) > LONGEST:
        return None
    letters = [letter for letter in typed if letter not in "-‐‑–—" and not letter.isspace()]  # noqa: RUF001
    code = "".join(letters).upper()
    return code if len(code) == LENGTH and set(code) <= set(ALPHABET) else None
