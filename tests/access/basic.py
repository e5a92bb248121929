"""The headers of Basic (RFC 7617)."""

from base64 import b64encode


def basic(password: str, user: str = "") -> dict[str, str]:
    """Return the header of a client that sends a key as the password."""
    return encoded(f"{user}:{password}".encode())


def encoded(text: bytes) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(text).decode()}"}
