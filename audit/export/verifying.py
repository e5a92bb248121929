"""Checks exported events offline: their hashes, their order, and the checkpoints between them.

Lines may come twice and in any order, as they do from a sink that was interrupted.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

from audit.export.checkpoints import read
from audit.export.jsonl import event_of
from audit.models import GENESIS, Event

LONGEST_LINE = 1024 * 1024  # bytes; any that Keyhouse writes is shorter
MOST_FAULTS = 1_000
TABLES = """
    CREATE TABLE event (sequence INTEGER PRIMARY KEY, previous BLOB NOT NULL, hash BLOB NOT NULL);
    CREATE TABLE checkpoint (sequence INTEGER, hash BLOB NOT NULL, PRIMARY KEY (sequence, hash));
"""
WRONG_CHECKPOINTS = """
    SELECT c.sequence, e.sequence FROM checkpoint c LEFT JOIN event e ON e.sequence = c.sequence
    WHERE (e.sequence IS NULL AND c.sequence > (SELECT coalesce(max(sequence), 0) FROM event))
    OR e.hash <> c.hash ORDER BY c.sequence
"""


class Findings(NamedTuple):
    """What a check found. Events up to `signed_to` are vouched for by a checkpoint. Faults are in words."""

    events: int
    first: int
    last: int
    checkpoints: int
    signed_to: int
    faults: list[str]


class Export:
    """The events and checkpoints of an export, in a temporary file, so that memory stays small."""

    def __init__(self, keys: Mapping[str, Any]) -> None:
        """`keys` are the public keys that checkpoints may be signed with, by kid."""
        self._keys, self._faults = keys, list[str]()
        self._rows = sqlite3.connect("", isolation_level=None)
        self._rows.executescript(f"PRAGMA journal_mode = OFF; {TABLES}")

    def read(self, file: BinaryIO, name: str) -> None:
        """Read the lines of a file of the export. Faults call it `name`."""
        self._rows.execute("BEGIN")
        for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE), b""), start=1):
            self._note(self._faults_of_line(f"line {number} of {name}", line))
        self._rows.execute("COMMIT")

    def findings(self) -> Findings:
        """Return what is wrong with all that was read: at most MOST_FAULTS faults."""
        self._note(self._faults_of_order())
        self._note(self._faults_of_checkpoints())
        events, first, last = self._one("SELECT count(*), min(sequence), max(sequence) FROM event")
        checkpoints, signed_to = self._one("SELECT count(*), max(sequence) FROM checkpoint")
        return Findings(events, first or 0, last or 0, checkpoints, signed_to or 0, self._faults)

    def _note(self, faults: Iterator[str]) -> None:
        for fault in faults:
            if len(self._faults) < MOST_FAULTS:
                self._faults.append(fault)

    def _one(self, query: str) -> Any:
        return self._rows.execute(query).fetchone()

    def _faults_of_line(self, place: str, line: bytes) -> Iterator[str]:
        try:
            members = json.loads(line)
            if isinstance(members, dict) and members.keys() == {"checkpoint"}:
                yield from self._keep_checkpoint(place, str(members["checkpoint"]))
            else:
                yield from self._keep_event(event_of(members))
        except (ValueError, RecursionError):
            yield f"{place} is not an event or a checkpoint"

    def _keep_checkpoint(self, place: str, token: str) -> Iterator[str]:
        try:
            position = read(token, self._keys).position
        except ValueError as error:
            yield f"the checkpoint in {place} {error}"
            return
        self._rows.execute("INSERT OR IGNORE INTO checkpoint VALUES (?, ?)", position)

    def _keep_event(self, event: Event) -> Iterator[str]:
        if event.computed_hash() != event.hash:
            yield f"event {event.sequence} was changed"
        row = (event.sequence, event.previous_hash, event.hash)
        if self._rows.execute("INSERT OR IGNORE INTO event VALUES (?, ?, ?)", row).rowcount == 0:
            known = self._rows.execute("SELECT hash FROM event WHERE sequence = ?", row[:1]).fetchone()
            if known[0] != event.hash:
                yield f"event {event.sequence} is there in two versions: the history forks"

    def _faults_of_order(self) -> Iterator[str]:
        before: tuple[int, bytes] | None = None
        for sequence, previous, digest in self._rows.execute("SELECT * FROM event ORDER BY sequence"):
            if before is not None and sequence > before[0] + 1:
                yield f"events {before[0] + 1} to {sequence - 1} are missing"
            elif previous != (before[1] if before else GENESIS) and (before or sequence == 1):
                yield f"event {sequence} does not follow from the one before it"
            before = sequence, digest

    def _faults_of_checkpoints(self) -> Iterator[str]:
        for signed, here in self._rows.execute(WRONG_CHECKPOINTS):
            if here is None:
                yield f"event {signed} was signed, but is missing"
            else:
                yield f"event {signed} is not the one that was signed"
