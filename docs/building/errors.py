"""The codes of problem documents. The build fails if the code has one that is not here."""

import re
from pathlib import Path
from typing import NamedTuple

from apikeys.quotas.errors import QuotaReached
from config.server.connection.answer import CODES
from config.wire import errors as domain
from config.wire.errors import DomainError
from docs.building.markdown import code, table

PROJECT = Path(__file__).parents[2]
SAID = re.compile(r'\b(?:problem_response|_drf|refusal)\(\s*\d{3},\s*"(\w+)"')


class Code(NamedTuple):
    """The statuses that a code comes with, and what it means to the client."""

    statuses: str
    words: str


CODES_IN_WORDS = {
    "conflict": Code("409", "The value is taken, or the resource is no longer in a state that allows this."),
    "csrf_failed": Code(
        "403", "A form in a browser has no CSRF token or a wrong one, or it comes from another origin."
    ),
    "gone": Code(
        "410",
        "What the first request with this `Idempotency-Key` created no longer exists; or the cursor of an "
        "event feed belongs to another history of the database.",
    ),
    "idempotency_key_reused": Code(
        "422", "The first request with this `Idempotency-Key` sent other members."
    ),
    "insufficient_scope": Code(
        "403", "The credential lacks a scope. `WWW-Authenticate` names it (RFC 6750 section 3.1)."
    ),
    "insufficient_user_authentication": Code(
        "401", "The login is too old for this: log in again. `WWW-Authenticate` has `max_age` (RFC 9470)."
    ),
    "invalid": Code("400", "A member or a query parameter is wrong. `errors` says which and why."),
    "invalid_credentials": Code("401", "The login is refused. The audit log has the reason."),
    "invalid_request": Code("400", "The request is malformed, or has more than one credential."),
    "invalid_token": Code("401", "The key or token is unknown, expired, revoked or disabled."),
    "method_not_allowed": Code("405", "The address does not take the method. `Allow` says which it takes."),
    "network_not_allowed": Code("403", "The key may not be used from this address."),
    "not_acceptable": Code("406", "The address has no answer in a form that `Accept` names."),
    "not_allowed": Code("403", "The caller is known and may not do this."),
    "not_authenticated": Code("401", "The request has no credential, and the address needs one."),
    "not_implemented": Code("501", "The request has a transfer coding other than `chunked`."),
    "not_found": Code("404", "There is nothing here, or nothing that the caller may see."),
    "parse_error": Code("400", "The body is malformed: not JSON, or not UTF-8."),
    "precondition_failed": Code(
        "412", "Somebody has edited it since the version that `If-Match` names. `ETag` has the current one."
    ),
    "quota_reached": Code(
        "429",
        "A quota of the key or of its organization is used up. `Retry-After` says until when, if ever.",
    ),
    "rate_limited": Code("429", "The key has used up its rate limit. `Retry-After` says how long to wait."),
    "request_timeout": Code("408", "The head or the body of the request did not arrive in time."),
    "second_factor_recovery": Code(
        "403", "The account's second factor is being removed. Until then nobody can log in."
    ),
    "second_factor_required": Code("403", "The caller may do this after a login with a second factor."),
    "server_error": Code("500", "A bug in Keyhouse. The server's log has it, with the request id."),
    "still_running": Code(
        "409", "The first request with this `Idempotency-Key` is still running. Try again."
    ),
    "too_broad": Code("400", "The database takes too long for this page of a list. Another filter may help."),
    "too_large": Code("413, 414, 431", "The body, the address or the head of the request is too large."),
    "too_many_attempts": Code("429", "This was tried too often. `Retry-After` says how long to wait."),
    "too_many_requests": Code(
        "429", "One address, or one credential, has too many requests in flight, or sends too much."
    ),
    "totp_required": Code("401", "The password is right, and the account needs a code: send `totp_code`."),
    "unavailable": Code("503", "The database cannot be reached, or the server is busy. Try again."),
    "unsupported_media_type": Code("415", "The address does not take a body of this `Content-Type`."),
    "wrong_proof": Code("403", "The password or the code that proves the change is wrong."),
}
OF_LIBRARIES = {"not_acceptable", "parse_error", "unsupported_media_type"}  # of the REST framework's errors


def errors() -> str:
    """Return every code with its status and what it means."""
    wrong = CODES_IN_WORDS.keys() ^ (_codes_of_exceptions() | _codes_of_calls() | OF_LIBRARIES)
    if wrong:
        raise ValueError(f"docs/building/errors.py lacks these codes, or they are gone: {sorted(wrong)}")
    rows = [[code(name), meaning.statuses, meaning.words] for name, meaning in CODES_IN_WORDS.items()]
    return table(["code", "status", "when"], rows)


def _codes_of_exceptions() -> set[str]:
    classes = [QuotaReached, *(each for each in vars(domain).values() if isinstance(each, type))]
    return {each.code for each in classes if issubclass(each, DomainError)}


def _codes_of_calls() -> set[str]:
    """The codes that stand in the code as words, where a refusal is made without an exception."""
    files = [
        path for app in ("config", "access", "gateway", "oauth") for path in (PROJECT / app).rglob("*.py")
    ]
    return {*CODES.values(), *(name for path in files for name in SAID.findall(path.read_text()))}
