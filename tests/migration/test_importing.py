"""What an import stores, and what it refuses."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from apikeys.models import ApiKey
from audit.log import verify
from audit.models import Event
from tests.commands.helpers import output_of, refusal_of, run
from tests.conftest import Api, Cast, make_key, with_key
from tests.migration.conftest import Write
from tests.migration.systems import System
from tests.migration.using import status

KEY, OTHER = "hAq8GrmGQcSIzBnNS1n3iWmDfYOJHhCV", "Zt4wLx9RkPq2VbN7sJmF3yGcD6hTeWuA"


def imported(source: str, *options: str, system: str = "csv") -> Any:
    return run("importkeys", "--from", system, source, *options)


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def test_what_the_other_system_knows_is_kept(cast: Cast, write: Write) -> None:
    heads = "key,email,name,scopes,created_at,expires_at,last_used_at,allowed_networks"
    row = f"{KEY},Alice@example.org,Stock,write,2025-01-02 03:04:05,2099-01-01T00:00:00+02:00"
    path = write(f"{heads}\n{row},2026-02-03T04:05:06Z,192.0.2.0/24 127.0.0.1\n")
    scopes = write_scopes(path)
    imported(path, "--scopes", scopes)
    key = ApiKey.objects.get()
    assert (key.name, key.owner, key.scopes) == ("Stock", cast.alice, ["services:read", "services:write"])
    assert key.created_at == datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert key.expires_at == datetime(2098, 12, 31, 22, tzinfo=UTC)
    assert key.last_used_at == datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert key.allowed_networks == ["192.0.2.0/24", "127.0.0.1"]
    assert (key.key_prefix, key.use_count) == (KEY[:8], 0)
    assert status(bearer(KEY)) == 200


def write_scopes(beside: str) -> str:
    path = Path(beside).parent / "mapped.toml"
    path.write_text('[scopes]\nwrite = ["services:read", "services:write"]\n')
    return str(path)


def test_a_dry_run_changes_nothing(cast: Cast, drf: System) -> None:
    events = Event.objects.count()
    report = imported(drf.url, "--dry-run", system="drf-authtoken")
    assert (report["dry_run"], report["imported"]) == (True, 2)
    assert not ApiKey.objects.exists() and Event.objects.count() == events
    assert status(drf.headers[0]) == 401


def test_an_import_is_recorded_and_names_no_key(cast: Cast, drf: System) -> None:
    imported(drf.url, system="drf-authtoken")
    names = list(Event.objects.order_by("-sequence").values_list("name", flat=True)[:2])
    assert names == ["api_key:imported", "key_source:changed"]
    assert Event.objects.get(name="api_key:imported").detail["keys"] == 2
    assert verify().faults == []
    shown = output_of("importkeys", "--from", "drf-authtoken", drf.url) + str(list(Event.objects.values()))
    assert not [text for text in drf.texts if text in shown]


def test_importing_again_changes_nothing(cast: Cast, drf: System, scopes: str) -> None:
    first = imported(drf.url, "--scopes", scopes, system="drf-authtoken")
    assert (first["imported"], first["already_here"]) == (2, 0)
    assert status(drf.headers[0]) == 200
    before = list(ApiKey.objects.order_by("pk").values())
    again = imported(drf.url, "--scopes", scopes, system="drf-authtoken")
    assert (again["imported"], again["already_here"], again["revoked"]) == (0, 2, 0)
    assert list(ApiKey.objects.order_by("pk").values()) == before


@pytest.mark.requirement(142)
def test_importing_again_revokes_what_is_gone_from_a_database(cast: Cast, drf: System, scopes: str) -> None:
    imported(drf.url, "--scopes", scopes, system="drf-authtoken")
    assert [status(headers) for headers in drf.headers] == [200, 200]
    drf.run(f"DELETE FROM authtoken_token WHERE key = '{drf.texts[0]}'")
    assert imported(drf.url, "--dry-run", system="drf-authtoken")["revoked"] == 1
    assert imported(drf.url, "--keep-missing", system="drf-authtoken")["revoked"] == 0
    assert [status(headers) for headers in drf.headers] == [200, 200]
    assert imported(drf.url, system="drf-authtoken")["revoked"] == 1
    assert [status(headers) for headers in drf.headers] == [401, 200]


@pytest.mark.requirement(142)
def test_importing_again_never_revives_a_key(cast: Cast, drf: System, scopes: str) -> None:
    imported(drf.url, "--scopes", scopes, system="drf-authtoken")
    first, second = ApiKey.objects.order_by("pk")
    run("revokeapikey", str(first.uuid))
    assert Api(drf.headers[1]).get("auth/me").status_code == 200
    ApiKey.objects.filter(pk=second.pk).update(disabled_at=timezone.now())
    again = imported(drf.url, "--scopes", scopes, system="drf-authtoken")
    assert (again["imported"], again["already_here"]) == (0, 2)
    assert [status(headers) for headers in drf.headers] == [401, 401]


@pytest.mark.requirement(142)
def test_a_file_revokes_what_it_says_and_what_is_gone_only_if_it_is_complete(
    cast: Cast, write: Write
) -> None:
    heads = "key,owner,revoked,disabled"
    many = [f"{KEY[:-2]}{number:02},alice,," for number in range(12)]
    imported(write("\n".join([heads, *many])))
    gone = imported(write("\n".join([heads, f"{KEY[:-2]}00,alice,true,", f"{KEY[:-2]}01,alice,,1"])))
    assert (gone["revoked"], gone["disabled"]) == (1, 1)
    statuses = [key.status(timezone.now()) for key in ApiKey.objects.order_by("pk")[:3]]
    assert statuses == ["revoked", "disabled", "active"]
    assert imported(write("\n".join([heads, *many[:-1]])), "--complete")["revoked"] == 1
    assert ApiKey.objects.latest("pk").revoked_reason == "revoked in the system that it was imported from"


def test_an_import_that_would_revoke_most_keys_is_refused(cast: Cast, write: Write) -> None:
    heads = "key,owner"
    imported(write("\n".join([heads, *(f"{KEY[:-2]}{number:02},alice" for number in range(30))])))
    refusal = refusal_of("importkeys", "--from", "csv", write(f"{heads}\n{OTHER},alice\n"), "--complete")
    assert "30 of 30 imported keys are gone" in refusal
    assert ApiKey.objects.filter(revoked_at=None).count() == 30


def test_keys_that_have_ended_are_left_out(cast: Cast, write: Write) -> None:
    ends = (timezone.now() - timedelta(days=1)).isoformat()
    report = imported(write(f"key,owner,expires_at,revoked\n{KEY},bob,{ends},\n{OTHER},bob,,true\n"))
    assert (report["imported"], report["ended"]) == (0, 2)


def test_a_disabled_key_stays_disabled(cast: Cast, drf: System) -> None:
    drf.run("UPDATE auth_user SET is_active = 0 WHERE username = 'bob'")
    imported(drf.url, system="drf-authtoken")
    assert Api(drf.headers[0]).get("auth/me").status_code == 200
    assert Api(drf.headers[1]).get("auth/me").status_code == 401


def test_with_keep_going_the_rest_is_imported(cast: Cast, write: Write) -> None:
    report = imported(write(f"key,owner\nshort,alice\n{KEY},nobody\n{OTHER},alice\n"), "--keep-going")
    assert (report["read"], report["imported"], report["faulty"]) == (3, 1, 2)
    assert [fault.partition(": ")[0].rpartition("/")[2] for fault in report["faults"]] == [
        "keys.csv:2",
        "keys.csv:3",
    ]


def test_a_key_twice_in_a_file_is_imported_once(cast: Cast, write: Write) -> None:
    report = imported(write(f"key,owner\n{KEY},alice\n{KEY},bob\n"))
    assert (report["imported"], report["already_here"]) == (1, 1)


def test_missing_owners_are_made_without_a_password(db: None, drf: System) -> None:
    report = imported(drf.url, "--make-owners", "member", system="drf-authtoken")
    assert (report["owners_made"], report["imported"]) == (2, 2)
    alice = User.objects.get(email="alice@example.org")
    assert (alice.username, alice.role, alice.has_usable_password()) == ("alice", "member", False)
    assert Event.objects.filter(name="user:created", target_id=str(alice.uuid)).exists()
    assert Api(drf.headers[0]).get("auth/me").json()["username"] == "alice"


def test_two_systems_of_a_kind_have_names_of_their_own(cast: Cast, write: Write) -> None:
    imported(write(f"key,owner\n{KEY},alice\n"), "--name", "old")
    assert "old has keys of the kind csv" in refusal_of(
        "importkeys", "--from", "knox", write(""), "--name", "old"
    )
    assert imported(write(f"key,owner\n{KEY},alice\n"), "--name", "older")["already_here"] == 1


def test_a_crash_is_made_good_by_starting_again(
    cast: Cast, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [f"{KEY[:-4]}{number:04},alice" for number in range(7)]
    path = write("\n".join(["key,owner", *rows]))
    monkeypatch.setattr("migration.services.AT_ONCE", 2)
    with pytest.raises(KeyboardInterrupt), monkeypatch.context() as crashing:
        crashing.setattr("migration.services.record_all", interrupt_after(2))
        imported(path)
    stored = ApiKey.objects.count()
    assert stored < len(rows)
    report = imported(path)
    assert report["imported"] + report["already_here"] == len(rows) and report["already_here"] == stored
    assert ApiKey.objects.count() == len(rows)


def interrupt_after(calls: int) -> Any:
    """Stand for an operator who presses Ctrl-C in the middle."""
    left = [calls]

    def interrupt(*_: Any, **__: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt

    return interrupt


def test_a_file_that_is_not_text_is_refused(cast: Cast, tmp_path: Path) -> None:
    path = tmp_path / "keys.csv"
    path.write_bytes(b"key,owner\n" + os.urandom(1) + b"\xff\xfe\n")
    assert "is not UTF-8 text" in refusal_of("importkeys", "--from", "csv", str(path))


def test_our_own_keys_are_not_imported(cast: Cast, write: Write) -> None:
    own = make_key(cast.alice, "services:read")
    assert "key must have the form" in refusal_of("importkeys", "--from", "csv", write(f"key\n{own.text}\n"))
    assert with_key(own).get("auth/me").status_code == 200
