"""What no page may say, with data of every kind in it: the pages are found by following their links."""

import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest
from django.apps import apps
from django.contrib.admin import site
from django.contrib.staticfiles import finders
from django.test import Client

from accounts.models import User
from oauth.models import OAuthClient
from tests.admin.helpers import log_in, page, send_form, text_of
from tests.logins import browser
from tests.oauth.flow import BASE, Flow, make_client
from tests.pages.everything import MAILED, make_everything
from tests.snapshot import Snapshot

pytestmark = pytest.mark.once

everything = Snapshot(make_everything)

WHO = ("sue", "olive", "lou")
MOST_VALUES = 1  # of each parameter of a list, and
MOST_ROWS = 24  # pages of one kind, are opened
WITHOUT_QUESTION = {"export", "resend"}
OF_ONE_ROW = {"rotate", "replace_secret"}
NEVER_SAID = {
    "an object of Python": re.compile(
        r"\bNone\b(?! of)|object at 0x|<class|\b\w+(Error|Exception)\b|Traceback"
    ),
    "a date in another form": re.compile(
        r"\d{4}-\d\d-\d\d|[A-Z][a-z]{2,8}\.? \d{1,2}, \d{4}|[ap]\.m\.|midnight|noon\b"
    ),
    "a time without its zone": re.compile(r"\d{4}, \d{1,2}:\d\d(:\d\d)?(?!:|\d| UTC)"),
    "Django's words": re.compile(
        r"staff account|Select .* to (change|view)|^By |^Objects$|related (items|objects)"
    ),
    "a label in halves": re.compile(r": (a|an) \w+:$|^or an? "),
}
HIDDEN = {"script", "style", "desc", "code"}  # "code" is for machines
EMPTY = {"", "—", "-", "[]", "{}"}
SPOKEN = {"title", "placeholder", "aria-label", "alt"}


class Said(HTMLParser):
    """What a page says, in pieces, and what its links, style sheets and read-only fields are."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self.links: list[str] = []
        self.styles: list[str] = []
        self.crumbs: list[str] = []
        self.empty_facts = 0
        self._open: list[str] = []
        self._in = self._fact = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        if tag == "a":
            self.links.append(found.get("href", ""))
        if tag == "link" and found.get("rel") == "stylesheet":
            self.styles.append(found["href"])
        self.pieces += [found[name] for name in SPOKEN & found.keys()]
        if tag == "img":
            self._fact += found["alt"]
        if tag == "input" and found.get("type") == "submit":
            self.pieces.append(found["value"])
        self._in = tag
        if tag == "div":
            self._open.append(found.get("class", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "div" and self._open and self._open.pop() == "readonly":
            self.empty_facts += self._fact in EMPTY
            self._fact = ""
        self._in = ""

    def handle_data(self, data: str) -> None:
        words, inside = " ".join(data.split()), self._open[-1] if self._open else ""
        if words and self._in not in HIDDEN:
            self.pieces.append(words)
        if inside == "breadcrumbs":
            self.crumbs += [
                crumb.strip()
                for crumb in words.split("\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}")
                if crumb.strip()
            ]
        if inside == "readonly":
            self._fact += words


def faults(said: Said) -> list[str]:
    """What is wrong with the words of a page."""
    found = [
        f"{what}: {piece[:80]!r}"
        for what, pattern in NEVER_SAID.items()
        for piece in said.pieces
        if pattern.search(piece)
    ]
    if not said.styles or not all(finders.find(each.removeprefix("/static/")) for each in said.styles):
        found.append("it has no style")
    if len(set(said.crumbs)) < len(said.crumbs):
        found.append(f"a crumb twice: {said.crumbs}")
    if said.empty_facts:
        found.append(f"{said.empty_facts} rows without a value")
    return found


class Crawl:
    """Opens every page below `root` to which links lead: lists with each filter and order, rows, forms."""

    def __init__(self, client: Client, root: str = "/admin/") -> None:
        self.client, self.root = client, root
        self.seen: set[str] = set()
        self.values: Counter[tuple[str, str]] = Counter()

    def pages(self) -> Iterator[tuple[str, Any, Said]]:
        waiting = [self.root]
        while waiting:
            address = waiting.pop()
            response = self.client.get(address)
            said = Said(response.content.decode())
            yield address, response, said
            waiting += [link for each in said.links if self._is_new(link := urljoin(address, each))]

    def _is_new(self, address: str) -> bool:
        parts = urlsplit(address)
        query = parse_qsl(parts.query)
        is_again = address in self.seen or "_changelist_filters" in address or "#" in address
        if not parts.path.startswith(self.root) or is_again or len(query) > 1:
            return False
        self.seen.add(address)
        self.values.update((parts.path, name) for name, _ in query)
        kind = re.sub(r"\d+", "N", parts.path)
        self.values[kind, ""] += 1
        return self.values[kind, ""] <= MOST_ROWS and all(
            self.values[parts.path, name] <= MOST_VALUES for name, _ in query
        )


@pytest.fixture
def filled(db: None) -> None:
    everything.write()


@pytest.mark.parametrize("root", ["/admin/", "/account/keys", "/account/organizations"])
@pytest.mark.parametrize("who", WHO)
def test_no_page_says_what_only_a_programmer_understands(filled: None, who: str, root: str) -> None:
    client = browser(User.objects.get(username=who))
    found = []
    for address, response, said in Crawl(client, root).pages():
        assert response.status_code in (200, 302), f"{address}: {response.status_code}"
        found += [f"{address}: {fault}" for fault in faults(said) if response.status_code == 200]
    assert not found, "\n".join(found)


ACTIONS = [
    (f"{model._meta.app_label}_{model._meta.model_name}", str(action))
    for model, each in site._registry.items()
    for action in (*(each.actions or ()), *(["delete_selected"] if model in (User, OAuthClient) else []))
    if action not in WITHOUT_QUESTION
]


@pytest.mark.parametrize(("model", "action"), ACTIONS)
def test_no_question_of_an_action_says_it(filled: None, model: str, action: str) -> None:
    client = browser(User.objects.get(username="sue"))
    address = page(f"{model}_changelist")
    rows = apps.get_model(model.replace("_", ".")).objects.values_list("pk", flat=True)
    chosen = list(rows[: 1 if action in OF_ONE_ROW else site.get_model_admin(rows.model).list_per_page])
    asked = text_of(send_form(client, address, {"action": action, "_selected_action": chosen}))
    assert 'class="submit-row"' in asked
    assert faults(Said(asked)) == []


def test_no_form_with_errors_says_it(filled: None) -> None:
    client = browser(User.objects.get(username="sue"))
    for model, its_admin in site._registry.items():
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        if its_admin.has_add_permission(client.get("/admin/").wsgi_request):
            response = send_form(client, page(f"{name}_add"), {})
            assert response.status_code == 200 and "errorlist" in text_of(response), name
            assert faults(Said(text_of(response))) == [], name


def test_no_page_outside_the_admin_says_it(filled: None) -> None:
    olive = User.objects.get(username="olive")
    flow = Flow(make_client("services:read", "keys:read"), olive)
    asked = flow.address()
    assert flow.log_in(asked).status_code == 302
    mailed = (
        "recovery",
        "undo-email-change",
        "reset-password",
        "confirm-email",
        "accept-invitation",
        "unsubscribe",
    )
    addresses = (
        *(
            asked,
            f"{BASE}/login",
            f"{BASE}/allowed",
            f"{BASE}/logout",
            f"{BASE}/authorize",
            f"{BASE}/nothing",
        ),
        *(f"/{name}?token={token}" for name in mailed for token in (MAILED, "wrong")),
        "/change-password",
        *(
            "/account/prove",
            "/account/security",
            "/account/security/password",
            "/account/security/authenticator",
        ),
        *(f"/account/security/authenticator/{what}" for what in ("confirm", "replace", "remove")),
        *(
            "/account/security/recovery-codes",
            "/account/profile",
            "/account/profile/email",
            "/account/profile/mails",
        ),
    )
    for address in addresses:
        found = flow.browser.get(address, follow=True)
        assert found.headers["Content-Type"].startswith("text/html"), address
        assert faults(Said(text_of(found))) == [], address


def test_the_login_says_what_is_wrong_in_words_for_everybody(filled: None) -> None:
    client = Client(headers={"Accept": "text/html"})
    refused = log_in(client, "sue", "a wrong password")
    assert faults(Said(text_of(refused))) == []
    assert refused.status_code == 401
    assert "The name, the password or the code is wrong." in text_of(refused)


@pytest.mark.parametrize(
    ("who", "path", "status"), [("lou", "/admin/accounts/user/", 403), ("lou", "/admin/nothing/", 404)]
)
def test_a_refusal_is_a_page_like_the_others(filled: None, who: str, path: str, status: int) -> None:
    response = browser(User.objects.get(username=who)).get(path)
    assert response.status_code == status
    assert faults(Said(text_of(response))) == []
