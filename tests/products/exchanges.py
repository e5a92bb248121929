"""Golden exchanges: what a page prints, sent to a real server, and what must come back.

A file of exchanges names requests as printed, and answers with their members in order. In an answer
`<integer>`, `<key>`, `<uuid>`, … stand for a value of that form, and `<dk_ + 8 characters>` for a text that
begins with dk_; everything else stands for itself. `{name}` in a request was saved from an earlier answer,
`{mailed somebody@example.com}` is the token in the last mail to that address, `{totp secret}` the present
code of the app whose secret was saved as `secret`, `{totp before secret}` the one before it. Where a
person is named who allows it (`allowed_by`), `{code}` is what the client gets after that.
"""

import json
import re
import tomllib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from accounts.second_factor.totp import step_at
from apikeys.at_rest.key_text import pattern
from config.profiles import Profile, load
from tests.accounts.authenticator import App
from tests.accounts.mailbox import Mailbox, token_in
from tests.installation import Answer, Server
from tests.oauth.visitor import allow

PAGES = Path(__file__).parent / "pages"
MAILED = re.compile(r"\{mailed ([^}]+)\}")
TOTP = re.compile(r"\{totp (before )?([^}]+)\}")
FORMS = {
    "uuid": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "jwt": r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+",
    "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "bare time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d",
    "4 characters": r"[0-9A-Za-z]{4}",
    "8 characters": r"[0-9A-Za-z]{8}",
    "12 characters": r"[0-9A-Za-z]{12}",
    "22 characters": r"[0-9A-Za-z]{22}",
    "43 characters": r"[0-9A-Za-z_-]{43}",
}


@dataclass
class Exchange:
    """One request of a page, and its answer."""

    name: str
    request: str
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    response: str = ""
    save: dict[str, str] = field(default_factory=dict)
    allowed_by: dict[str, str] = field(default_factory=dict)


@dataclass
class Page:
    """A page's profile, the commands that prepare the installation, and the exchanges in order."""

    profile: Profile
    commands: list[dict[str, Any]]
    exchanges: list[Exchange]

    @classmethod
    def read(cls, name: str) -> "Page":
        with (PAGES / f"{name}.toml").open("rb") as file:
            data = tomllib.load(file)
        return cls(load(name), data.get("command", []), [Exchange(**each) for each in data["exchange"]])


def play(page: Page, exchange: Exchange, server: Server, saved: dict[str, str], mailbox: Mailbox) -> None:
    """Send one request and assert that the answer is the printed one; save what later ones need."""
    for address in MAILED.findall(exchange.body):
        saved[f"mailed {address}"] = token_in(mailbox.wait_for(mails=1, to=address)[-1])
    answer = send(exchange, server, saved)
    assert answer.status == exchange.status, f"{exchange.name}: {answer.status} {answer.body!r}"
    compare(page, exchange, answer)
    for name, member in exchange.save.items():
        saved[name] = str(value_at(answer.json(), member))
    if exchange.allowed_by:
        path = fill(exchange.request, saved).partition(" ")[2]
        sent_to = allow(f"http://127.0.0.1:{server.port}{path}", **exchange.allowed_by)
        saved["code"] = parse_qs(urlsplit(sent_to).query)["code"][0]


def send(exchange: Exchange, server: Server, saved: dict[str, str]) -> Answer:
    """Send the request; once more if its code went out of date on the way."""
    moment = datetime.now(UTC)
    method, path = fill(exchange.request, saved).split(" ", 1)
    headers = {name: fill(value, saved) for name, value in exchange.headers.items()}
    body = fill(with_codes(exchange.body, saved, moment), saved).encode() if exchange.body else None
    answer = server.request(method, path, headers=headers, body=body)
    is_late = TOTP.search(exchange.body) and step_at(datetime.now(UTC)) != step_at(moment)
    return send(exchange, server, saved) if is_late and answer.status != exchange.status else answer


def with_codes(text: str, saved: dict[str, str], moment: datetime) -> str:
    """Replace the placeholders of codes."""
    return TOTP.sub(lambda match: App(saved[match[2]], []).code(moment, steps=-1 if match[1] else 0), text)


def fill(text: str, saved: dict[str, str]) -> str:
    """Replace names by saved values."""
    for name, value in saved.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def compare(page: Page, exchange: Exchange, answer: Answer) -> None:
    if not exchange.response:
        return
    difference = unlike(page.profile, json.loads(exchange.response), answer.json(), "$")
    assert difference is None, f"{exchange.name}: {difference}\n{answer.body.decode()}"


def unlike(profile: Profile, expected: Any, found: Any, where: str) -> str | None:
    """Return where `found` differs from `expected`: in members, their order, or a value."""
    if isinstance(expected, dict):
        if not isinstance(found, dict) or list(expected) != list(found):
            return f"{where} has {list(found) if isinstance(found, dict) else found}, not {list(expected)}"
        pairs = [unlike(profile, expected[name], found[name], f"{where}.{name}") for name in expected]
        return next((each for each in pairs if each), None)
    if isinstance(expected, list):
        if not isinstance(found, list) or len(expected) != len(found):
            return f"{where} is {found}, not {expected}"
        pairs = [
            unlike(profile, a, b, f"{where}[{i}]")
            for i, (a, b) in enumerate(zip(expected, found, strict=True))
        ]
        return next((each for each in pairs if each), None)
    return None if is_like(profile, expected, found) else f"{where} is {found!r}, not {expected!r}"


def is_like(profile: Profile, expected: Any, found: Any) -> bool:
    if expected == "<integer>":
        return type(found) is int
    if expected == "<key>":
        return pattern(profile.keys.environments).fullmatch(str(found)) is not None
    placeholder = re.fullmatch(r"<(.+ \+ )?(.+)>", expected) if isinstance(expected, str) else None
    if placeholder is None:
        return type(expected) is type(found) and bool(expected == found)
    start = (placeholder[1] or "").removesuffix(" + ")
    return re.fullmatch(re.escape(start) + FORMS[placeholder[2]], str(found)) is not None


def value_at(document: Any, path: str) -> Any:
    """Return the value at a dotted path; numbers are indexes in a list."""
    for part in path.split("."):
        document = document[int(part)] if part.isdigit() else document[part]
    return document
