"""Events in OCSF, against the schema's own requirements (https://github.com/ocsf/ocsf-schema, v1.2.0)."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from audit.events import REFUSALS, EventName
from audit.export import ocsf
from audit.export.ocsf import CLASSES, checkpoint_ocsf, ocsf_of
from audit.models import Event

pytestmark = pytest.mark.once

SCHEMA = json.loads((Path(__file__).parent / "ocsf-1.2.0.json").read_text())
ACTORS = ("user", "api_key", "oauth2", "operator", "anonymous")


def event(name: str, **members: Any) -> Event:
    person = "0f3c8b52-6d1e-4a7b-9c55-2b1f7de0a911"
    somebody = {"actor_kind": "user", "actor_id": person, "actor_label": "ada"}
    target = {"target_kind": "api_key", "target_id": "123e4567-e89b-42d3-a456-426614174000"}
    return Event(
        sequence=42,
        name=name,
        occurred_at=datetime(2026, 11, 22, 9, 30, 0, 123_456, tzinfo=UTC),
        previous_hash=bytes(32),
        hash=bytes(range(32)),
        **{
            "ip": "192.0.2.7",
            "request_id": "a-request",
            "actor_label": "ada",
            **somebody,
            **target,
            **members,
        },
    )


def faults(found: Mapping[str, Any]) -> list[str]:
    """What the schema says against an event."""
    kind = SCHEMA["classes"][str(found["class_uid"])]
    wrong = [f"no {name}" for name in kind["required"] if found.get(name) in (None, "")]
    wrong += [f"unknown {name}" for name in found if name not in kind["attributes"]]
    wrong += unmet(kind, found)
    if found["category_uid"] != kind["category"]:
        wrong.append("category_uid")
    if found["activity_id"] not in kind["activities"]:
        wrong.append("activity_id")
    if found["type_uid"] != found["class_uid"] * 100 + found["activity_id"]:
        wrong.append("type_uid")
    for name, known in (("severity_id", "severities"), ("status_id", "statuses")):
        if found.get(name, 0) not in SCHEMA[known]:
            wrong.append(name)
    for name, form in kind["objects"].items():
        if name in found:
            wrong += faults_of_object(form, found[name])
    return wrong


def faults_of_object(form: str, found: Mapping[str, Any]) -> list[str]:
    known = SCHEMA["objects"][form]
    wrong = [f"{form}: no {name}" for name in known["required"] if not found.get(name)]
    wrong += [f"{form}: unknown {name}" for name in found if name not in known["attributes"]]
    wrong += unmet(known, found)
    nested = {"metadata": ("product",), "actor": ("user",)}.get(form, ())
    return wrong + [each for name in nested for each in faults_of_object(name, found[name])]


def unmet(form: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    one_of = form.get("constraints", {}).get("at_least_one", [])
    return [] if not one_of or any(found.get(name) for name in one_of) else [f"none of {one_of}"]


@pytest.mark.parametrize("name", list(EventName))
def test_every_event_of_the_vocabulary_is_a_valid_ocsf_event(name: EventName) -> None:
    nobody = dict.fromkeys(("actor_id", "actor_label", "target_kind", "target_id", "ip", "request_id"), "")
    for members in ({}, {"target_kind": "user", "target_label": "bob"}, nobody):
        for kind in ACTORS:
            assert faults(ocsf_of(event(name, **{**members, "actor_kind": kind}))) == []


def test_a_checkpoint_is_a_valid_ocsf_event() -> None:
    assert faults(checkpoint_ocsf("a.b.c")) == []


def test_every_class_of_the_table_belongs_to_an_event() -> None:
    subjects = {name.partition(":")[0] for name in EventName}
    assert CLASSES.keys() <= {*subjects, *EventName}
    named = {name for kind in CLASSES.values() for name in kind.activities}
    assert named <= set(EventName)
    assert ocsf.ENTITY_ACTIVITIES.keys() <= {name.partition(":")[2] for name in EventName}


@pytest.mark.parametrize(
    ("name", "type_uid"),
    [
        (EventName.LOGIN_SUCCEEDED, 300201),
        (EventName.LOGIN_FAILED, 300201),
        (EventName.SESSION_ENDED, 300202),
        (EventName.USER_CREATED, 300101),
        (EventName.PASSWORD_CHANGED, 300103),
        (EventName.SECOND_FACTOR_ADDED, 300110),
        (EventName.SECOND_FACTOR_REFUSED, 300299),
        (EventName.ROLE_CHANGED, 300199),
        (EventName.API_KEY_CREATED, 300401),
        (EventName.API_KEY_ROTATED, 300403),
        (EventName.API_KEY_REVOKED, 300404),
        (EventName.API_KEY_EXPIRING, 300499),
        (EventName.ACCESS_DENIED, 600399),
    ],
)
def test_events_have_the_types_that_a_siem_looks_for(name: EventName, type_uid: int) -> None:
    found = ocsf_of(event(name))
    assert found["type_uid"] == type_uid
    assert found["status_id"] == (2 if name in REFUSALS else 1)


def test_a_receiver_finds_the_number_the_hash_and_the_request_of_an_event() -> None:
    found = ocsf_of(event(EventName.API_KEY_REVOKED, detail={"reason": "leaked"}))
    assert found["time"] == 1795339800123
    metadata = found["metadata"]
    assert (metadata["sequence"], metadata["event_code"]) == (42, "api_key:revoked")
    assert metadata["correlation_uid"] == "a-request"
    assert found["unmapped"]["hash"] == bytes(range(32)).hex()
    assert found["unmapped"]["detail"] == {"reason": "leaked"}
    assert found["actor"]["user"]["name"] == "ada"
    assert found["entity"]["type"] == "api_key"


def test_an_event_of_a_newer_version_is_exported_too() -> None:
    assert faults(ocsf_of(event("portal:opened"))) == []
