"""The admin with many keys of many kinds: filling it, and how long its pages take."""

import re
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

from django.test import Client
from django.urls import reverse

from access.callers import caller_at_command_line
from apikeys.services.api_keys import create_api_key
from bench.keyhouse.fill import first_of_each
from bench.rows import FIRST, multiply
from tests.installation import ADMIN

PASTED = "a key that was made by the service"
KEYS_PER_PERSON, KEYS_PER_ORGANIZATION = 10, 1_000
FILTER = re.compile(r'<a href="\?([a-z_]{2,}=[^"&]+)"')
SEARCHES = {
    "a name": "service 4711",
    "a name that nobody has": "nothing of the kind",
    "a user name": "bench471",
    "an address": "bench471@example.org",
    "an organization": "bench organization 7",
    "the beginning of a key": "kh_live_4711",
}


def fill(rows: int) -> str:
    """Make `rows` keys: used and unused, ended and not, of people and organizations; return a key's text."""
    organization, person, template = first_of_each()
    new = {"id": "number", "uuid": "gen_random_uuid()"}
    people, organizations = rows // KEYS_PER_PERSON, rows // KEYS_PER_ORGANIZATION
    title, name, email = "'Bench organization ' || g", "'bench' || g", "'bench' || g || '@example.org'"
    multiply(organization, organizations, {**new, "name": title, "name_key": f"lower({title})"})
    names = {"username": name, "username_key": name, "email": email, "email_key": email}
    multiply(person, people, {**new, **names})
    made = f"now() - ({rows} - g) * interval '3 years' / {rows}"
    used = f"GREATEST({made}, now() - mod(g, 400) * interval '1 day')"
    columns = {
        "name": "'service ' || g",
        "user_id": f"CASE WHEN mod(g, 10) < 7 THEN {FIRST} + mod(g, {people}) END",
        "organization_id": f"CASE WHEN mod(g, 10) >= 7 THEN {FIRST} + mod(g, {organizations}) END",
        "environment": "CASE WHEN mod(g, 10) = 0 THEN 'test' ELSE 'live' END",
        "digest": "decode(text, 'hex')",
        "key_prefix": "'kh_live_' || to_char(mod(g, 10000), 'FM0000')",
        "created_at": made,
        "expires_at": f"CASE WHEN mod(g, 4) > 0 THEN {made} + mod(g, 4) * interval '300 days' END",
        "revoked_at": f"CASE WHEN mod(g, 20) = 0 THEN {made} + interval '10 days' END",
        "disabled_at": f"CASE WHEN mod(g, 50) = 1 THEN {made} + interval '10 days' END",
        "last_used_at": f"CASE WHEN mod(g, 3) > 0 THEN {used} END",
    }
    multiply(template, rows, {**new, **columns})
    return create_api_key(caller=caller_at_command_line(), name=PASTED, owner=person).text


def measure(text: str, turns: int) -> dict[str, float]:
    """Return how many milliseconds each page takes, the median of so many turns, by what it is."""
    client = Client(SERVER_NAME="localhost")
    name, password = ADMIN["KEYHOUSE_ADMIN_USERNAME"], ADMIN["KEYHOUSE_ADMIN_PASSWORD"]
    client.post("/account/login", {"identifier": name, "password": password})
    return {words: _milliseconds(open_it, turns) for words, open_it in _pages(client, text)}


def _pages(client: Client, text: str) -> Iterator[tuple[str, Callable[[], Any]]]:
    keys = reverse("admin:apikeys_apikey_changelist")

    def opening(address: str, **query: Any) -> Callable[[], Any]:
        return lambda: client.get(f"{address}?{urlencode(query)}")

    yield "front page", opening(reverse("admin:index"))
    for model in ("apikeys_apikey", "accounts_user", "accounts_organization", "audit_event"):
        yield f"list {model}", opening(reverse(f"admin:{model}_changelist"))
    for query in sorted(set(FILTER.findall(client.get(keys).content.decode()))):
        yield f"keys, {unquote(query)}", opening(keys, **dict(parse_qsl(query)))
    for words, query in SEARCHES.items():
        yield f"keys, search for {words}", opening(keys, q=query)
    yield (
        "keys, search for a pasted key",
        lambda: client.post(reverse("admin:apikeys_apikey_find"), {"q": text}),
    )
    yield (
        "keys, three filters",
        opening(keys, used="unused", expires="never", owner="people"),
    )
    for words, column in (("key", "2"), ("expiry", "9")):
        yield f"keys, in the order of their {words}", opening(keys, o=column)


def _milliseconds(open_it: Callable[[], Any], turns: int) -> float:
    times = []
    for _ in range(turns + 1):  # the first is not counted
        start = time.perf_counter()
        response = open_it()
        times.append((time.perf_counter() - start) * 1000)
        if response.status_code not in (200, 302):
            raise RuntimeError(f"{response.status_code}: {response.content[:500]}")
    return statistics.median(times[1:])
