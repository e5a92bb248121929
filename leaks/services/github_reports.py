"""Reports by GitHub: they are signed, and answered with what the texts are."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from audit.actors import Origin
from config.wire.errors import Invalid, Sentence
from leaks.github.signatures import check_signature
from leaks.services.stopping import digests_of, stop_leaked

TRUE_POSITIVE, FALSE_POSITIVE = "true_positive", "false_positive"


class Match(msgspec.Struct, frozen=True):
    """One text that GitHub found, and where. Members that are not named here are ignored."""

    token: str
    type: str = ""
    url: str = ""

    def __repr__(self) -> str:
        return f"Match({self.type})"


class Verdict(NamedTuple):
    """What a text is. GitHub takes the SHA-256 of the text in place of the text."""

    token_hash: str
    token_type: str
    label: str


class SignedReport(NamedTuple):
    """A report as it came: the bytes that are signed, and the two headers."""

    body: bytes
    identifier: str
    signature: str


def take_github_report(*, report: SignedReport, origin: Origin) -> list[Verdict]:
    """Stop the keys in a report by GitHub, and say of each text whether it is a key of this installation.

    Raises BadSignature, Invalid for a body of another form, and Busy while GitHub's keys cannot be had.
    """
    check_signature(**report._asdict(), now=origin.at)
    matches = _matches(report.body)
    digests = {match.token: digests_of(match.token) for match in matches}
    found = {digest: match.url for match in matches for digest in digests[match.token]}
    keys = stop_leaked(found=found, through="github", origin=origin)
    return [_verdict(match, is_key=not keys.isdisjoint(digests[match.token])) for match in matches]


def _matches(body: bytes) -> Sequence[Match]:
    try:
        return msgspec.json.decode(body, type=list[Match])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        words = Sentence("must be GitHub's list of matches: %(error)s", error=error)
        raise Invalid("body", words) from None


def _verdict(match: Match, *, is_key: bool) -> Verdict:
    hashed = hashlib.sha256(match.token.encode()).hexdigest()
    return Verdict(hashed, match.type, TRUE_POSITIVE if is_key else FALSE_POSITIVE)
