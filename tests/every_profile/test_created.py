"""A 201 names the address of what was created, in every product."""

import pytest
from django.test import Client

from accounts.models import User
from tests.every_profile.speaker import Speaker

pytestmark = pytest.mark.once


def test_the_location_of_a_new_key_is_where_get_shows_it(speaker: Speaker, admin: User) -> None:
    token = speaker.token_of(admin)
    made = speaker.make_key(token)
    location = made.headers["Location"]
    assert location.endswith(speaker.path(f"api-keys/{made['id']}"))
    shown = Client(headers=dict(token)).get(location)
    assert shown.status_code == 200
    rotated = speaker.send("POST", f"api-keys/{made['id']}/rotate", "api_key_created", {}, by=token)
    assert rotated.headers["Location"].endswith(speaker.path(f"api-keys/{rotated['id']}"))
    assert rotated["id"] != made["id"]


def test_filters_speak_the_products_words(speaker: Speaker, admin: User) -> None:
    token = speaker.token_of(admin)
    made = speaker.make_key(token)
    names = ("status", "scope", "unused_for", "created_at")
    spelled = {name: speaker.spelled("api_key", name) for name in names}
    for query, count in (
        (f"{spelled['status']}=active", 1),
        (f"{spelled['status']}=revoked", 0),
        *((f"{spelled['scope']}={name}", 1) for name in list(speaker.profile.scopes)[:1]),
        (f"{spelled['unused_for']}=1d", 0),
        (f"ordering=-{spelled['created_at']}", 1),
        ("owner=me", 1),
        (f"environment={speaker.profile.keys.default_environment}", 1),
    ):
        answer = speaker.send("GET", f"api-keys?{query}", "api_key", by=token)
        assert answer.status == 200, answer.raw
        assert [each["id"] for each in answer.body] == [made["id"]] * count, query
    wrong = speaker.send("GET", f"api-keys?{spelled['unused_for']}=soon", "api_key", by=token)
    assert [each["member"] for each in wrong.raw["errors"]] == [spelled["unused_for"]]
