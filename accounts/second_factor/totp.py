"""Making, reading and hashing time-based one-time codes (RFC 6238, its defaults) and recovery codes."""

import base64
import hmac
import re
import secrets
import unicodedata
from datetime import datetime
from hashlib import sha256
from urllib.parse import quote, urlencode

from django_otp.oath import hotp

SEED_BYTES = 20  # 160 bits, RFC 4226 section 4
STEP_SECONDS = 30
DIGITS = 6
CODE = re.compile(r"[0-9]{6}")

RECOVERY_CODES = 10
RECOVERY_LENGTH = 16  # of 5 bits each
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32
RECOVERY_CODE = re.compile(rf"[{ALPHABET}]{{{RECOVERY_LENGTH}}}")
FULL_WIDTH = {code + 0xFEE0: code for code in range(ord("!"), ord("~") + 1)}  # U+FF01 is "!"
LOOK_ALIKES = str.maketrans("oil", "011")


def new_seed() -> bytes:
    """Return 160 random bits."""
    return secrets.token_bytes(SEED_BYTES)


def spelled(seed: bytes) -> str:
    """Return a seed as people type it into an app: base 32."""
    return base64.b32encode(seed).decode()


def uri(seed: bytes, *, product: str, account: str) -> str:
    """Return the otpauth:// URI for a QR code (Google Authenticator's key URI format)."""
    label = f"{quote(product, safe='')}:{quote(account, safe='')}"
    query = urlencode({"secret": spelled(seed), "issuer": product}, quote_via=quote)
    return f"otpauth://totp/{label}?{query}"


def step_at(moment: datetime) -> int:
    """Return the number of the time step in which `moment` lies."""
    return int(moment.timestamp()) // STEP_SECONDS


def code_at(seed: bytes, step: int) -> str:
    """Return the code of one time step."""
    number = hotp(seed, step, DIGITS)  # type: ignore[no-untyped-call]
    return f"{number:0{DIGITS}}"


def step_of(seed: bytes, text: str, now: datetime) -> int | None:
    """Return the time step whose code `text` is, the current one or the one before, or None.

    RFC 6238 section 5.2 recommends accepting at most one earlier step, for the time that typing and sending
    take. Later steps are refused: a phone whose clock is fast has to be set.
    """
    code = _in_ascii("".join(text.split()))
    if not CODE.fullmatch(code):
        return None
    current = step_at(now)
    steps = [step for step in (current, current - 1) if hmac.compare_digest(code_at(seed, step), code)]
    return steps[0] if steps else None


def new_recovery_codes() -> list[str]:
    """Return codes of 80 random bits each."""
    return ["".join(secrets.choice(ALPHABET) for _ in range(RECOVERY_LENGTH)) for _ in range(RECOVERY_CODES)]


def grouped(code: str) -> str:
    """Return a recovery code in groups, as people write it down: k7wd-2m9x-…"""
    return "-".join(code[i : i + 4] for i in range(0, len(code), 4))


def read_recovery_code(text: str) -> str | None:
    """Return a typed recovery code in its canonical spelling; None if `text` cannot be one."""
    code = _in_ascii("".join(text.split())).replace("-", "").lower().translate(LOOK_ALIKES)
    return code if RECOVERY_CODE.fullmatch(code) else None


def _in_ascii(text: str) -> str:
    """Return `text` with the decimal digits of all scripts, and full-width characters, as ASCII.

    Keyboards and apps of other scripts use them.
    """
    return "".join(map(_character_in_ascii, text))


def _character_in_ascii(character: str) -> str:
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    return character.translate(FULL_WIDTH)


def recovery_digest(code: str, pepper: bytes) -> bytes:
    """Return the stored digest of a recovery code. 80 random bits under a pepper need no slow hash."""
    return hmac.digest(pepper, b"recovery code " + code.encode(), sha256)
