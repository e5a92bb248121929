"""The tables of a profile file that say how people log in, and how clients log them in."""

from typing import Annotated, Literal

from msgspec import Meta

from config.profiles.capabilities import Capability
from config.profiles.members import Seconds, Table, says
from config.secrets.key_pairs import Algorithm

Identifier = Literal["username", "email"]


class Login(Table, frozen=True):
    """How people log in, and how long their sessions last."""

    identifiers: Annotated[
        tuple[Identifier, ...], Meta(min_length=1), says("What people name themselves by when they log in.")
    ]
    access_token_seconds: Annotated[Seconds, says("How long an access token is good.")]
    session_idle_seconds: Annotated[Seconds, says("A session ends after this time without a refresh.")]
    session_seconds: Annotated[Seconds, says("A session ends after this time in any case.")]
    fresh_seconds: Annotated[
        Seconds | None,
        says(
            "How many seconds after a login, or a new proof with the password, a person may make, rotate, "
            "enable or widen a key, or remove another person's second factor. Without it: no limit."
        ),
    ] = None
    password_min_length: Annotated[int, Meta(ge=8, le=128), says("The least length of passwords.")] = 15
    refresh_takes: Annotated[
        Literal["refresh_token", "access_token"],
        says("What a refresh exchanges: a refresh token in the body, or the access token itself."),
    ] = "refresh_token"
    refresh_grace_seconds: Annotated[
        int,
        Meta(ge=0, le=60),
        says(
            "For this time after a refresh, a client at the same address that sends the old refresh token "
            "again gets the same new one, unless that was used meanwhile."
        ),
    ] = 0
    registration_role: Annotated[
        str, says("The global role of people who register. Without it, nobody can register.")
    ] = ""
    second_factor_for: Annotated[
        tuple[Capability, ...],
        says("Capabilities that people have only after a login with a second factor. Keys are not affected."),
    ] = ()
    second_factor_recovery_days: Annotated[
        Annotated[int, Meta(ge=1, le=90)] | None,
        says(
            "People who can read their mail but show no code have their second factor removed after so many "
            "days, in which nobody can log in. Without it, only administrators remove second factors."
        ),
    ] = None
    invitation_role: Annotated[
        str,
        says(
            "The global role of people who accept an invitation and have no account. Without it they get "
            "`registration_role`; without both, only people with an account can accept."
        ),
    ] = ""
    token_algorithm: Annotated[
        Literal["HS256"] | Algorithm,
        says("Signs access tokens. With any algorithm but HS256 other services can verify them."),
    ] = "HS256"

    @property
    def newcomer_role(self) -> str:
        """The global role of people who get an account without an administrator; "" if nobody does."""
        return self.invitation_role or self.registration_role


class OAuth2(Table, frozen=True):
    """OAuth2 and OpenID Connect. The table, even empty, enables them."""

    pkce: Annotated[
        Literal["all", "public"],
        says(
            "Which clients need PKCE: all but those registered to do without, or only those that can keep no "
            "secret."
        ),
    ] = "all"
    id_token_algorithm: Annotated[Algorithm, says("Signs ID tokens.")] = "RS256"
