"""verifyexport names what is missing, changed or from another history in an exported file."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.signing.checkpoints import signer
from accounts.signing.keys import public_keys
from audit.actors import ANONYMOUS, Origin
from audit.events import EventName
from audit.export import lines
from audit.export.jsonl import checkpoint_members, event_of, line_of
from audit.export.spans import end_of
from audit.log import record
from tests.commands.helpers import refusal_of, run

Lines = list[dict[str, Any]]


@pytest.fixture
def exported(db: None, monkeypatch: pytest.MonkeyPatch) -> Lines:
    """Six events, of which the third and the last have a checkpoint behind them."""
    monkeypatch.setattr(lines, "CHECKPOINT_EVENTS", 3)
    for _ in range(6):
        record(EventName.LOGIN_FAILED, actor=ANONYMOUS, origin=Origin.here())
    output = io.StringIO()
    call_command("exportaudit", stdout=output)
    found = [json.loads(line) for line in output.getvalue().splitlines()]
    assert [number for number, line in enumerate(found) if "checkpoint" in line] == [3, 7]
    return found


@pytest.fixture
def fault_of(tmp_path: Path) -> Callable[[Lines], str]:
    """What the command says first about a file of these lines; empty if it finds no fault."""

    def check(found: Lines) -> str:
        file = tmp_path / "audit.jsonl"
        file.write_text("".join(f"{line_of(each)}\n" for each in found))
        try:
            document = run("verifyexport", str(file))
        except CommandError as error:
            return str(error)
        assert (document["valid"], document["faults"]) == (True, [])
        return ""

    return check


def changed(line: dict[str, Any], **members: Any) -> dict[str, Any]:
    """The event with other members, and with the hash that goes with them."""
    event = event_of({**line, **members})
    return {**line, **members, "hash": event.computed_hash().hex()}


def test_a_whole_export_is_counted(exported: Lines, tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    file.write_text("".join(f"{json.dumps(each)}\n" for each in exported))
    assert run("verifyexport", str(file)) == {
        **{"valid": True, "events": 6, "first": 1, "last": 6, "checkpoints": 2, "signed_to": 6, "faults": []}
    }


def test_a_part_from_the_middle_and_lines_that_come_twice_are_whole(
    exported: Lines, fault_of: Callable[[Lines], str]
) -> None:
    assert fault_of(exported[4:]) == ""
    assert fault_of([*exported[:3], *exported[1:6], *exported[4:]]) == ""
    assert fault_of([*exported[4:], *exported[:4]]) == ""


def test_a_gap_is_named(exported: Lines, fault_of: Callable[[Lines], str]) -> None:
    assert fault_of([*exported[:1], *exported[2:]]) == "events 2 to 2 are missing"
    assert fault_of([*exported[:1], *exported[5:]]) == "events 2 to 4 are missing"


def test_an_end_that_was_cut_off_is_named_by_its_checkpoint(
    exported: Lines, fault_of: Callable[[Lines], str]
) -> None:
    assert fault_of([*exported[:5], exported[7]]) == "event 6 was signed, but is missing"


@pytest.mark.parametrize(
    ("member", "value"),
    [
        *(("ip", "192.0.2.9"), ("name", "login:succeeded"), ("detail", {"a": 1}), ("organization_id", 7)),
        *(("subjects", ["user:x"]), ("occurred_at", "2020-01-01T00:00:00+00:00"), ("hash_version", 1)),
        ("actor", {"kind": "user", "id": "", "label": ""}),
        ("uuid", "0f3c8b52-6d1e-4a7b-9c55-2b1f7de0a911"),
        ("previous_hash", "00"),
        ("hash", "00" * 32),
    ],
)
def test_an_edit_is_named(exported: Lines, fault_of: Callable[[Lines], str], member: str, value: Any) -> None:
    exported[1][member] = value
    assert fault_of(exported) == "event 2 was changed"


def test_an_edit_with_a_new_hash_breaks_the_chain(exported: Lines, fault_of: Callable[[Lines], str]) -> None:
    exported[1] = changed(exported[1], ip="192.0.2.9")
    assert fault_of(exported) == "event 3 does not follow from the one before it"


def test_a_chain_that_was_computed_anew_is_named_by_its_checkpoints(
    exported: Lines, fault_of: Callable[[Lines], str]
) -> None:
    previous = bytes(32).hex()
    for number, line in enumerate(exported):
        if "checkpoint" not in line:
            exported[number] = changed(line, previous_hash=previous, ip="192.0.2.9")
            previous = exported[number]["hash"]
    assert fault_of(exported) == "event 3 is not the one that was signed"


def test_a_fork_is_named(exported: Lines, fault_of: Callable[[Lines], str]) -> None:
    other = changed(exported[6], ip="192.0.2.9")
    assert fault_of([*exported, other]) == "event 6 is there in two versions: the history forks"
    sign = signer()
    assert sign is not None
    signed = checkpoint_members(sign(end_of(event_of(other))))
    assert fault_of([*exported, signed]) == "event 6 is not the one that was signed"


def test_a_checkpoint_that_nobody_signed_is_named(exported: Lines, fault_of: Callable[[Lines], str]) -> None:
    head, payload, signature = exported[3]["checkpoint"].split(".")
    exported[3]["checkpoint"] = f"{head}.{payload}.{signature[::-1]}"
    assert "audit.jsonl has a wrong signature" in fault_of(exported)
    exported[3]["checkpoint"] = "x"
    assert fault_of(exported).startswith("the checkpoint in line 4")


def test_a_token_of_the_same_key_is_no_checkpoint(
    exported: Lines, fault_of: Callable[[Lines], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audit.export.checkpoints.TYPE", "JWT")
    exported[3] = checkpoint_members(signer()(end_of(event_of(exported[2]))))  # type: ignore[misc]
    monkeypatch.undo()
    assert fault_of(exported).endswith("audit.jsonl is not a checkpoint")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{}",
        "[]",
        "null",
        "1",
        "nonsense",
        '{"sequence": 1}',
        "[" * 100_000,
        '"\\ud800"',
        "{" + "x" * 2_000_000,
    ],
)
def test_a_line_of_another_kind_is_named(exported: Lines, tmp_path: Path, line: str) -> None:
    file = tmp_path / "audit.jsonl"
    file.write_text(f"{json.dumps(exported[0])}\n{line}\n")
    assert refusal_of("verifyexport", str(file)) == f"line 2 of {file} is not an event or a checkpoint"


@pytest.mark.parametrize(
    ("member", "value"),
    [
        *(("sequence", 0), ("sequence", "1"), ("sequence", True), ("sequence", 2**63), ("uuid", 7)),
        *(("occurred_at", "today"), ("occurred_at", None), ("actor", []), ("actor", {}), ("hash", "x")),
        *(("hash", None), ("hash_version", "2")),
    ],
)
def test_a_member_of_another_type_is_no_event(
    exported: Lines, fault_of: Callable[[Lines], str], member: str, value: Any
) -> None:
    exported[0][member] = value
    assert "line 1" in fault_of(exported)


def test_published_keys_verify_an_export_elsewhere(exported: Lines, tmp_path: Path) -> None:
    file, keys = tmp_path / "audit.jsonl", tmp_path / "jwks.json"
    file.write_text("".join(f"{json.dumps(each)}\n" for each in exported))
    keys.write_text(json.dumps({"keys": public_keys()}))
    assert run("verifyexport", str(file), "--keys", str(keys))["signed_to"] == 6
    others = [key for key in public_keys() if key["alg"] != "EdDSA"]
    keys.write_text(json.dumps({"keys": others}))
    assert "signed with an unknown key" in refusal_of("verifyexport", str(file), "--keys", str(keys))


def test_files_are_checked_together(exported: Lines, tmp_path: Path) -> None:
    names = [str(tmp_path / name) for name in ("audit.jsonl.1", "audit.jsonl")]
    for name, part in zip(names, (exported[:5], exported[5:]), strict=True):
        Path(name).write_text("".join(f"{json.dumps(each)}\n" for each in part))
    assert run("verifyexport", *names)["events"] == 6


def test_what_cannot_be_read_is_one_line(tmp_path: Path, db: None) -> None:
    missing = str(tmp_path / "missing")
    assert refusal_of("verifyexport", missing) == f"cannot read {missing}: No such file or directory"
    assert "cannot read" in refusal_of("verifyexport", "-", "--keys", missing)
    (tmp_path / "keys").write_text("[]")
    assert "is not a JWK set" in refusal_of("verifyexport", "-", "--keys", str(tmp_path / "keys"))
