"""Checks that a report comes from GitHub."""

import base64
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.hashes import SHA256

from config.wire.errors import Invalid, NotAllowed
from leaks.github.public_keys import key_named

IDENTIFIER = "Github-Public-Key-Identifier"
SIGNATURE = "Github-Public-Key-Signature"
LONGEST = 200  # characters of either header; an identifier has 64, a signature 96


class BadSignature(NotAllowed):
    """The report does not come from GitHub, or was changed on its way."""

    code = "bad_signature"

    def __init__(self) -> None:
        super().__init__("The signature is not GitHub's signature of this body.")


def check_signature(*, body: bytes, identifier: str, signature: str, now: datetime) -> None:
    """Raise BadSignature unless GitHub signed these bytes: ECDSA on P-256 with SHA-256, ASN.1 in base64.

    Raises Invalid without the two headers, and Busy while GitHub's keys cannot be had.
    """
    for name, value in ((IDENTIFIER, identifier), (SIGNATURE, signature)):
        if not value or len(value) > LONGEST:
            raise Invalid(name, "must be sent as GitHub sends it")
    key = key_named(identifier, now)
    if key is None:
        raise BadSignature
    try:
        key.verify(base64.b64decode(signature, validate=True), body, ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        raise BadSignature from None
