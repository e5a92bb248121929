"""Telling final refusals of a mail server from temporary ones. Independent of Django."""

import re
import smtplib
from typing import NamedTuple

# 5yz codes about the connection, the protocol or our login: mails wait until an operator has fixed the cause.
# RFC 5321 section 4.2.3 (500 to 504, 555), RFC 4954 section 6 (530 to 538), RFC 7504 (521).
ABOUT_US = frozenset({500, 502, 503, 504, 521, 530, 534, 535, 538, 555})
MAILBOX_NAME_NOT_ALLOWED = 553
MAILBOX_FULL = 552  # after RCPT it can mean too many recipients and counts as 452 (RFC 5321 4.5.3.1.10)

# Enhanced codes (RFC 3463, RFC 2034) with the same meaning: the sender's address (5.1.7, 5.1.8), the protocol
# (5.5.z) and, in an answer to RCPT, relaying and policy (5.7.z).
ABOUT_OUR_SENDER = re.compile(r"5\.(1\.[78]|5\.[0-9]+)\b")
ABOUT_OUR_RELAY = re.compile(r"5\.7\.[0-9]+\b")


class Refusal(NamedTuple):
    """An answer of a mail server: its code and its text."""

    code: int
    text: str

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


def final_refusal(error: Exception) -> Refusal | None:
    """Return the answer that refuses this mail or its recipient for good; None if another try makes sense.

    `error` is what smtplib raised for a mail to one recipient. Answers to the greeting, the login and MAIL
    FROM are about this server, so they are never final.
    """
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        answers = [_refusal(*answer) for answer in error.recipients.values()]
        return answers[0] if answers and all(_is_final_to_rcpt(answer) for answer in answers) else None
    if isinstance(error, smtplib.SMTPDataError):
        answer = _refusal(error.smtp_code, error.smtp_error)
        return answer if _is_final(answer) else None
    return None


def _refusal(code: int, text: bytes | str) -> Refusal:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return Refusal(code, " ".join(words.split()))


def _is_final(answer: Refusal) -> bool:
    return (
        500 <= answer.code < 600 and answer.code not in ABOUT_US and not ABOUT_OUR_SENDER.match(answer.text)
    )


def _is_final_to_rcpt(answer: Refusal) -> bool:
    is_ours = answer.code == MAILBOX_FULL or ABOUT_OUR_RELAY.match(answer.text)
    return _is_final(answer) and not is_ours
