"""The form of answers and errors, in every product."""

import re

import pytest
from django.test import Client

from accounts.models import User
from config.profiles import Profile
from tests.conftest import assert_problem
from tests.every_profile.speaker import Speaker

pytestmark = pytest.mark.once

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z?)")
IDS = {"integer": r"[1-9][0-9]*", "uuid": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"}


def id_form(profile: Profile, resource: str) -> str:
    prefix = profile.wire.id_prefixes.get(resource, f"{resource}_")
    return IDS.get(profile.wire.ids, f"{prefix}[0-9A-Za-z]{{22}}")


def test_members_ids_times_and_lists_have_the_products_form(speaker: Speaker, admin: User) -> None:
    token, profile = speaker.token_of(admin), speaker.profile
    made = speaker.make_key(token)
    listed = speaker.send("GET", "api-keys", "api_key", by=token)
    whole = listed.raw[profile.wire.envelope] if profile.wire.envelope else listed.raw
    assert isinstance(whole, list) == (profile.wire.lists == "array")
    rows = whole if isinstance(whole, list) else whole["results"]
    shown = profile.wire.members.get("api_key")
    if shown:
        assert list(rows[0]) == [speaker.spelled("api_key", member) for member in shown]
    assert re.fullmatch(id_form(profile, "api_key"), str(made["id"]))
    if speaker.shows("api_key_created", "created_at"):
        time = TIME.fullmatch(made["created_at"])
        assert time is not None
        assert (time[1] == "Z") == (profile.wire.times == "utc")
    case = r"[a-z]+([A-Z0-9][a-z]*)*" if profile.wire.case == "camel" else r"[a-z0-9_]+"
    assert all(re.fullmatch(case, name) for name in rows[0])


@pytest.mark.parametrize("number", ["-1", "0", "9223372036854775808", "1" + "0" * 30, "%201", "%D9%A1", "x"])
@pytest.mark.requirement(95)
def test_an_id_that_cannot_be_is_404(number: str, speaker: Speaker, admin: User) -> None:
    token = speaker.token_of(admin)
    for path in ("users", "api-keys", "organizations", "auth/sessions"):
        method = "DELETE" if path == "auth/sessions" else "GET"
        assert speaker.send(method, f"{path}/{number}", "user", by=token).status == 404


@pytest.mark.requirement(91)
def test_errors_are_problems_never_enveloped(speaker: Speaker, admin: User) -> None:
    client = Client(headers=dict(speaker.token_of(admin)), raise_request_exception=False)
    login = speaker.path("auth/login")
    assert_problem(client.get(speaker.path("nothing")), 404)
    assert_problem(client.get(login), 405)
    assert_problem(client.post(login, b"{", content_type="application/json"), 400)
    assert_problem(client.post(login, b'{"a": 1, "a": 2}', content_type="application/json"), 400)
    assert_problem(client.post(login, [1], content_type="application/json"), 400)
    assert_problem(Client().get(speaker.path("auth/me")), 401, "not_authenticated")


def test_an_unknown_member_is_refused_by_name(speaker: Speaker, admin: User) -> None:
    answer = speaker.make_key(speaker.token_of(admin), expire="2099-01-01T00:00:00Z")
    assert answer.status == 400
    assert answer.raw["errors"][0]["member"] == speaker.spelled("api_key_created", "expire")
