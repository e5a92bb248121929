"""Parsing and checking the parameters of OAuth2 requests. Independent of the database."""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from oauthlib.common import Request as OAuthRequest
from oauthlib.oauth2.rfc6749 import errors
from oauthlib.openid.connect.core.exceptions import RequestNotSupported, RequestURINotSupported

from config.logs import holds_credential

FORM = "application/x-www-form-urlencoded"
# RFC 6749, RFC 7636, OpenID Connect Core section 3.1.2.1. Other parameters are ignored, even if repeated.
AUTHORIZATION = frozenset(
    {
        "client_id",
        "redirect_uri",
        "response_type",
        "response_mode",
        "scope",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
        "prompt",
        "max_age",
        "request",
        "request_uri",
        "display",
        "ui_locales",
        "claims_locales",
        "id_token_hint",
        "login_hint",
        "acr_values",
        "claims",
        "registration",
    }
)
MANY = frozenset({"resource", "audience"})  # may be repeated (RFC 8707, RFC 8693); ignored here
UNSAID = re.compile(r"[^\x20\x21\x23-\x5b\x5d-\x7e]")  # not allowed in error_description (RFC 6749 5.2)
PROMPTS = frozenset({"none", "login", "consent", "select_account"})
SECONDS = re.compile(r"[0-9]{1,20}")
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # a SHA-256, RFC 7636 section 4.2
NONCE_LENGTH = 255


class LoginAsked(NamedTuple):
    """The login that a request asks for; `max_age` in seconds, None for any age."""

    is_silent: bool
    is_fresh: bool
    max_age: int | None


def of_authorization(parameters: Iterable[tuple[str, list[str]]]) -> list[tuple[str, str]]:
    """Return the standard parameters of an authorization request, one pair for each value."""
    return _given((name, values) for name, values in parameters if name in AUTHORIZATION)


def of_token_request(parameters: Iterable[tuple[str, list[str]]]) -> list[tuple[str, str]]:
    """Return the parameters of a token or revocation request, one pair for each value."""
    return _given((name, values) for name, values in parameters if name not in MANY)


def _given(parameters: Iterable[tuple[str, list[str]]]) -> list[tuple[str, str]]:
    """Drop parameters without a value (RFC 6749 section 3.1), unless they are repeated."""
    return [(name, value) for name, values in parameters for value in values if value or len(values) > 1]


def check_once(request: OAuthRequest) -> dict[str, Any]:
    """Refuse a repeated parameter (RFC 6749 sections 3.1 and 3.2). Raises InvalidRequestError."""
    for name in request.duplicate_params:
        named = UNSAID.sub("?", name)[:100]
        raise errors.InvalidRequestError(f"The parameter {named} is repeated.", request=request)
    return {}


def check_authorization(request: OAuthRequest) -> dict[str, Any]:
    """Check what oauthlib does not check in an authorization request. Raises OAuth2Error."""
    if request.response_type not in (None, "code"):
        raise errors.UnsupportedResponseTypeError("The response_type must be code.", request=request)
    asked = dict(request.uri_query_params)
    if "request" in asked:
        raise RequestNotSupported(request=request)
    if "request_uri" in asked:
        raise RequestURINotSupported(request=request)
    _check(request, request.response_mode in (None, "query"), "The response_mode must be query.")
    _check_challenge(request)
    for name, text in (("state", request.state or ""), ("nonce", request.nonce or "")):
        _check(request, text.isprintable(), f"The {name} contains an unprintable character.")
    nonce = request.nonce or ""
    is_kept = len(nonce) <= NONCE_LENGTH and not holds_credential(nonce)
    _check(request, is_kept, f"The nonce must have at most {NONCE_LENGTH} characters and no key or token.")
    login_asked(request)
    return {}


def login_asked(request: OAuthRequest) -> LoginAsked:
    """Return the login that prompt and max_age ask for (OpenID Connect Core section 3.1.2.1).

    Raises InvalidRequestError for values that the standard does not define.
    """
    prompts = {word for word in (request.prompt or "").split(" ") if word}
    _check(request, prompts <= PROMPTS, f"prompt must be some of {', '.join(sorted(PROMPTS))}.")
    _check(request, prompts == {"none"} or "none" not in prompts, "prompt=none excludes other values.")
    age = request.max_age
    _check(request, age is None or SECONDS.fullmatch(age), "max_age must be a number of seconds.")
    return LoginAsked("none" in prompts, "login" in prompts, None if age is None else int(age))


def _check_challenge(request: OAuthRequest) -> None:
    challenge, method = request.code_challenge, request.code_challenge_method
    if challenge is None and method is None:
        return
    if challenge is not None and method != "S256":
        detail = "The code_challenge_method must be S256."
        raise errors.UnsupportedCodeChallengeMethodError(detail, request=request)
    is_good = CHALLENGE.fullmatch(challenge or "")
    _check(request, is_good, "The code_challenge must be a SHA-256 digest: 43 characters of base64url.")


def _check(request: OAuthRequest, is_good: object, detail: str) -> None:
    if not is_good:
        raise errors.InvalidRequestError(detail, request=request)
