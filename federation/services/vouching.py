"""What a provider says of a person, checked, and small enough for a signed cookie."""

import msgspec


class Vouched(msgspec.Struct, frozen=True):
    """A person as the provider with the primary key `provider` vouches for them.

    `values` are those of its claim that rules name. `second_factor` says whether the login there counts as
    one with a second factor here. `proven_at` is when the person logged in there, in Unix seconds, if known.
    `sid` is the session there, if the provider names it. `refresh_token` is encrypted. `heard` is the newest
    logout there that was known before the provider was asked.
    """

    provider: int
    issuer: str
    subject: str
    email: str
    email_verified: bool
    name: str
    values: list[str]
    second_factor: bool
    proven_at: int | None = None
    sid: str = ""
    refresh_token: str = ""
    heard: int = 0
