"""How often anything may be tried, in one table. KEYHOUSE_LIMITS changes single numbers."""

import re
from dataclasses import dataclass, fields, replace
from enum import StrEnum

from config.env import ConfigurationError

NUMBER = re.compile(r"[1-9][0-9]{0,8}")
MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Limit(StrEnum):
    """The kinds of attempts that are limited."""

    LOGIN = "login"
    CODE = "code"
    OWN_PASSWORD = "own_password"
    FORGOT_PASSWORD = "forgot_password"
    REGISTRATION = "registration"
    REGISTRATION_DAILY = "registration_daily"
    CONFIRMATION = "confirmation"
    MAILED_TOKEN = "mailed_token"
    EMAIL_CHANGE = "email_change"
    LEAK_REPORT = "leak_report"
    IMPORTED_KEY = "imported_key"
    PROVIDER_LOGIN = "provider_login"
    PROVIDER_SETUP = "provider_setup"
    USER_CODE = "user_code"


@dataclass(frozen=True)
class Bounds:
    """How many attempts are allowed within `seconds` of the first one. 0 means that they are not counted.

    `here` limits attempts on one account from one address, `account` those on one account from everywhere,
    `address` those on all accounts from one address. An IPv6 address counts as its /64.
    """

    seconds: int
    here: int = 0
    account: int = 0
    address: int = 0


DEFAULTS = {
    # Allows 10 typing errors, and 2,880 guesses a day. Locking newcomers out takes three addresses.
    Limit.LOGIN: Bounds(15 * MINUTE, here=10, account=30, address=20),
    # Two of a million codes are valid at a time, and an attacker must know the password: a day of guessing
    # succeeds with a probability below 0.1 %.
    Limit.CODE: Bounds(HOUR, account=10),
    # A person who guesses here has stolen a session, or forgotten the password.
    Limit.OWN_PASSWORD: Bounds(HOUR, account=10),
    # Each attempt sends a mail to somebody who may not have asked for it.
    Limit.FORGOT_PASSWORD: Bounds(HOUR, here=5, account=10, address=20),
    # Each attempt costs a mail and a hash.
    Limit.REGISTRATION: Bounds(HOUR, here=10, account=20, address=20),
    # Each attempt keeps a row and a link for a day, and mails somebody who may not have asked for it.
    Limit.REGISTRATION_DAILY: Bounds(DAY, account=50),
    # Guesses at the password for one mailed link. Each costs a hash.
    Limit.CONFIRMATION: Bounds(HOUR, account=10),
    # Nobody guesses 256 random bits; this limits what the attempts cost the server.
    Limit.MAILED_TOKEN: Bounds(15 * MINUTE, address=30),
    # Each attempt sends a mail to an address that the caller chooses.
    Limit.EMAIL_CHANGE: Bounds(HOUR, account=10),
    # Each attempt may have the digests of 1,000 texts looked up. GitHub allows as many for the same purpose.
    Limit.LEAK_REPORT: Bounds(HOUR, address=60),
    # Each attempt costs a password hash. Who knows the prefix of an unused key can cause one.
    Limit.IMPORTED_KEY: Bounds(15 * MINUTE, here=10, account=30, address=20),
    # Each attempt may ask an identity provider something. One that succeeds is taken back.
    Limit.PROVIDER_LOGIN: Bounds(15 * MINUTE, address=60),
    # Each attempt of a manager fetches from an address, or asks a name server, that the manager chooses, or
    # makes all workers forget their cached callers.
    Limit.PROVIDER_SETUP: Bounds(HOUR, account=60),
    # 20^8 codes exist. While 1,000 devices wait, 240 guesses a day succeed with a probability of 0.001 %.
    Limit.USER_CODE: Bounds(HOUR, account=10, address=50),
}
MEMBERS = tuple(field.name for field in fields(Bounds))


def limits(items: list[str]) -> dict[Limit, Bounds]:
    """Return DEFAULTS changed by `items`, such as login.address=200. Raises ConfigurationError."""
    table = dict(DEFAULTS)
    for item in items:
        path, _, number = item.partition("=")
        name, _, member = path.partition(".")
        if name not in table or member not in MEMBERS or not NUMBER.fullmatch(number):
            raise ConfigurationError(
                f"KEYHOUSE_LIMITS: {item!a} must be LIMIT.MEMBER=NUMBER, for example login.address=200; "
                f"limits: {', '.join(Limit)}; members: {', '.join(MEMBERS)}"
            )
        table[Limit(name)] = replace(table[Limit(name)], **{member: int(number)})
    return table
