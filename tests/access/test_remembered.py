"""Cached callers are dropped by the subjects that they depend on, without leftovers."""

from dataclasses import replace

import pytest

from access import remembered
from access.principals import Credential, Place, Principal, operator
from access.remembered import Read, Remembered
from audit.position import BEGINNING

pytestmark = pytest.mark.once


def read(*subjects: str) -> Read:
    return Read(operator("somebody"), None, BEGINNING, frozenset(subjects))


def test_only_callers_who_depend_on_a_subject_are_dropped() -> None:
    callers = Remembered()
    callers.add(b"a key", read("api_key:1", "user:1"))
    callers.add(b"a session", read("session:2", "user:1", "organization:3"))
    callers.add(b"another's", read("api_key:4", "user:5", "organization:3"))
    callers.forget(["user:1", "user:of nobody's"])
    assert set(callers._reads) == {b"another's"}
    assert callers._dependent.keys() == {"api_key:4", "user:5", "organization:3"}
    callers.forget(["api_key:4", "organization:3"])
    assert (callers._reads, callers._dependent) == ({}, {})


def test_a_caller_read_again_depends_on_the_subjects_of_the_last_read() -> None:
    callers = Remembered()
    callers.add(b"a key", read("user:1"))
    callers.add(b"a key", read("user:2"))
    callers.forget(["user:1"])
    assert set(callers._reads) == {b"a key"}
    callers.forget(["user:2"])
    assert set(callers._reads) == set()


def test_a_dropped_caller_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "MOST_REMEMBERED", 2)
    callers = Remembered()
    for number in range(5):
        callers.add(b"%d" % number, read(f"api_key:{number}", "user:1"))
    assert list(callers._reads) == [b"3", b"4"]
    assert callers._dependent.keys() == {"api_key:3", "api_key:4", "user:1"}
    callers.forget(["user:1"])
    assert callers._dependent == {}


def test_what_an_organization_s_key_may_do_depends_on_no_person() -> None:
    credential = Credential("key", "a-key")
    key = Principal("an-organization", "Acme", credential, places={1: Place("an-organization")})
    found = Read.of(key, None, BEGINNING, "api_key:a-key")
    assert found.subjects == {"organization:an-organization", "api_key:a-key"}
    persons = replace(key, subject="a-person", user_id=7)
    assert Read.of(persons, None, BEGINNING).subjects == {"user:a-person", "organization:an-organization"}
