"""The life of a key, in every product."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from access.callers import caller_at_command_line
from accounts.models import User
from apikeys.at_rest import key_text
from apikeys.models import ApiKey, Outcome
from apikeys.services.api_keys import create_api_key
from apikeys.usage import counting
from audit.actors import Origin
from config.profiles import Capability
from config.wire.fields import timestamp
from tests.every_profile.speaker import Speaker

pytestmark = pytest.mark.once


def test_a_key_is_made_shown_once_listed_and_revoked(speaker: Speaker, admin: User) -> None:
    token = speaker.token_of(admin)
    made = speaker.make_key(token)
    assert (made.status, made.headers["Cache-Control"]) == (201, "no-store")
    listed = speaker.send("GET", "api-keys", "api_key", by=token)
    assert [each["id"] for each in listed.body] == [made["id"]]
    assert made["key"] not in str(listed.raw)
    path = f"api-keys/{made['id']}"
    assert speaker.send("PATCH", path, "api_key", {"name": "other"}, by=token).status == 200
    assert speaker.send("DELETE", path, "api_key", by=token).status == 204
    assert ApiKey.objects.get().revoked_at is not None


def test_how_much_a_key_was_used_is_told_in_every_product(speaker: Speaker, admin: User) -> None:
    token = speaker.token_of(admin)
    made = speaker.make_key(token)
    key = ApiKey.objects.get()
    counting.record_use(key.pk, Origin("192.0.2.1", "", timezone.now()))
    counting.record_use(key.pk, Origin("192.0.2.1", "", timezone.now()), Outcome.RATE)
    counting.flush()
    answer = speaker.send("GET", f"api-keys/{made['id']}/usage", "usage", by=token)
    assert answer.status == 200, answer.raw
    spelled = [speaker.spelled("usage", name) for name in ("last_used_at", "last_used_ip")]
    assert [name in str(answer.raw) for name in spelled] == [True, True]
    total = sum(each["allowed"] for each in answer["hours"]), sum(each["refused"] for each in answer["hours"])
    assert total == (1, 1) == (answer["total"]["allowed"], answer["total"]["refused"])


def test_each_environment_has_keys_of_its_own_form(speaker: Speaker, admin: User) -> None:
    token = speaker.token_of(admin)
    for name, form in speaker.profile.keys.environments.items():
        text = speaker.make_key(token, environment=name)["key"]
        assert len(text) == len(form.prefix) + form.length
        assert key_text.environment_of(text, speaker.profile.keys.environments) == name


def test_keys_open_our_own_endpoints_where_the_product_takes_them(speaker: Speaker, admin: User) -> None:
    key = speaker.key(speaker.make_key(speaker.token_of(admin))["key"])
    taken = speaker.profile.keys.at_own_endpoints
    assert speaker.send("GET", "auth/sessions", "session", by=key).status == 403
    assert speaker.send("GET", "scopes", "scope", by=key).status == (200 if taken else 403)


def test_a_repeated_creation_has_the_shape_of_the_first_and_no_text(speaker: Speaker, admin: User) -> None:
    by = {**speaker.token_of(admin), "Idempotency-Key": "a-key"}
    made, again = speaker.make_key(by), speaker.make_key(by)
    assert (made.status, again.status) == (201, 201), again.raw
    assert (again["id"], again["key"]) == (made["id"], None)
    assert (made.headers.get("Idempotent-Replayed"), again.headers["Idempotent-Replayed"]) == (None, "true")
    shape = list(made.body)
    is_printed = "api_key_created" in speaker.profile.wire.members
    assert list(again.body) == (shape if is_printed else [*shape, "rotate"])
    rotate = re.fullmatch('<(.+)>; rel="related"; title="rotate"', again.headers["Link"])
    assert rotate is not None
    assert rotate[1] == speaker.path(f"api-keys/{made['id']}/rotate")
    expires_at = timestamp(timezone.now() + timedelta(days=1))
    rotated = speaker.send(
        "POST", f"api-keys/{made['id']}/rotate", "api_key_created", {"expires_at": expires_at}, by=by
    )
    assert (rotated.status, bool(rotated["key"])) == (201, True), rotated.raw


@pytest.mark.requirement(55)
def test_a_key_that_is_not_well_formed_is_401(speaker: Speaker, admin: User) -> None:
    text = speaker.make_key(speaker.token_of(admin))["key"]
    other = "0" if text[-1] != "0" else "1"
    for spoiled in (text[:-1] + other, f"{text}0", text[:-1]):
        assert speaker.send("GET", "scopes", "scope", by=speaker.key(spoiled)).status == 401


@pytest.mark.requirement(60)
def test_nobody_gives_a_key_more_than_they_hold(speaker: Speaker, person: User) -> None:
    held = speaker.profile.power_of_role(person.role, "global")
    excess = [name for name in speaker.profile.scopes if name not in held.scopes]
    token = speaker.token_of(person)
    if Capability.MANAGE_OWN_KEYS not in held.capabilities or excess:
        assert speaker.make_key(token, scopes=excess or list(speaker.profile.scopes)).status == 403
        assert not ApiKey.objects.exists()
    else:
        assert speaker.make_key(token).status == 201


def test_an_unknown_scope_is_refused_by_the_products_own_word(speaker: Speaker, admin: User) -> None:
    answer = speaker.make_key(speaker.token_of(admin), scopes=["nothing"])
    assert answer.status == 400
    assert answer.raw["errors"][0]["member"] == speaker.spelled("api_key_created", "scopes")


@pytest.mark.requirement(62)
def test_an_end_in_the_past_is_refused_and_one_to_come_is_kept(speaker: Speaker, admin: User) -> None:
    token, now = speaker.token_of(admin), timezone.now()
    past = speaker.make_key(token, expires_at=timestamp(now - timedelta(seconds=1)))
    assert past.status == 400
    assert past.raw["errors"][0]["member"] == speaker.spelled("api_key_created", "expires_at")
    assert speaker.make_key(token, expires_at=timestamp(now + timedelta(days=1))).status == 201
    ends = ApiKey.objects.get().expires_at
    assert ends is not None
    assert ends > now


def test_attributes_have_defaults_and_filter_the_list(speaker: Speaker, admin: User) -> None:
    token = speaker.token_of(admin)
    speaker.make_key(token)
    attributes = speaker.profile.keys.attributes
    assert ApiKey.objects.get().attributes == {name: each.default for name, each in attributes.items()}
    for name, each in attributes.items():
        text = str(each.default).lower() if isinstance(each.default, bool) else each.default
        assert len(speaker.send("GET", f"api-keys?{name}={text}", "api_key", by=token).body) == 1
        assert speaker.send("GET", f"api-keys?{name}=nonsense", "api_key", by=token).status == 400


@pytest.mark.requirement(59)
def test_a_key_shrinks_with_its_owner(speaker: Speaker, admin: User, person: User) -> None:
    made = create_api_key(
        caller=caller_at_command_line(), name="k", owner=admin, granted=list(speaker.profile.scopes)
    )
    User.objects.filter(pk=admin.pk).update(role=person.role)
    held = speaker.profile.power_of_role(person.role, "global")
    answer = speaker.send("GET", "users", "user", by=speaker.key(made.text))
    assert (answer.status == 200) == (
        Capability.READ_USERS in held.capabilities
        and speaker.profile.keys.at_own_endpoints
        and bool(speaker.profile.scopes)
    )


def test_the_scopes_are_listed_in_the_products_words(speaker: Speaker, admin: User) -> None:
    listed = speaker.send("GET", "scopes", "scope", by=speaker.token_of(admin)).body
    assert [each["name"] for each in listed] == list(speaker.profile.scopes)
    assert [each["description"] for each in listed] == [
        s.description for s in speaker.profile.scopes.values()
    ]
