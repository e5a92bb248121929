"""People whom an import makes are stored together, before their keys."""

from contextlib import closing
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from access.principals import Caller
from accounts.models import User
from audit.events import EventName
from audit.log import record_all
from audit.models import Event
from migration.distinct import Distinct
from migration.owners import OwnerRule, Owners
from migration.rows import ForeignKey, Raw, read
from migration.sources import SOURCES
from tests.conftest import Cast, add_user


def keys_of(*names: str) -> list[ForeignKey]:
    texts = [f"{number}x8Kq2vN7wZ4tB9mL5rC3yH6d" for number, _ in enumerate(names)]
    rows = [
        Raw("a.csv:2", {"key": text, "owner": name, "email": f"{name}@example.org"})
        for text, name in zip(texts, names, strict=True)
    ]
    return [read(row, SOURCES["csv"][""]) for row in rows]


def owners_of(keys: list[ForeignKey], operator: Caller, met: Distinct | None = None) -> Owners:
    owners = Owners(OwnerRule(role="member"), operator, met)
    owners.look_up(keys)
    for key in keys:
        owners.of(key)
    return owners


def store(owners: Owners) -> None:
    """Store new people and record them, as a batch does."""
    operator = owners.caller
    with transaction.atomic():
        record_all(owners.store_new(), actor=operator.principal.actor, origin=operator.origin)


def test_each_person_is_made_once_with_an_event_of_their_own(cast: Cast, operator: Caller) -> None:
    owners = owners_of(keys_of("nora", "oskar", "nora"), operator)
    assert owners.made == 2 and not User.objects.filter(username="nora").exists()
    store(owners)
    made = User.objects.filter(username__in=["nora", "oskar"])
    assert {(person.username, person.role, person.has_usable_password()) for person in made} == {
        ("nora", "member", False),
        ("oskar", "member", False),
    }
    events = Event.objects.filter(name=EventName.USER_CREATED, detail__imported=True)
    assert {event.target_id for event in events} == {str(person.uuid) for person in made}
    owners.look_up([])
    store(owners)
    assert made.count() == 2


def test_many_people_cost_as_many_statements_as_one(
    cast: Cast, operator: Caller, django_assert_max_num_queries: Any
) -> None:
    owners = owners_of(keys_of(*(f"person{number}" for number in range(60))), operator)
    with django_assert_max_num_queries(10):
        store(owners)


def test_a_dry_run_counts_a_person_once_although_every_batch_meets_them(cast: Cast, operator: Caller) -> None:
    with closing(Distinct()) as met:
        owners = owners_of(keys_of("nora"), operator, met)
        again = keys_of("oskar", "nora")
        owners.look_up(again)
        assert [owners.of(key).user_id for key in again] == [None, None]
    assert owners.made == 2 and not User.objects.filter(username="nora").exists()


def test_a_person_who_was_made_meanwhile_stops_the_batch_and_nobody_of_it_is_made(
    cast: Cast, operator: Caller
) -> None:
    owners = owners_of(keys_of("nora", "oskar"), operator)
    add_user("oskar")
    with pytest.raises(IntegrityError):
        store(owners)
    assert not User.objects.filter(username="nora").exists()
