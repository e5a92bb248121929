"""The mutants of a module, and what came of each."""

import difflib
import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.installation import PROJECT

FOLDER = PROJECT / "var" / "mutants"
# How tests.mutants.plugin gets its options:
AGAIN, SECONDS = "KEYHOUSE_TEST_MUTANTS_AGAIN", "KEYHOUSE_TEST_MUTANTS_SECONDS"
KILLED, TOO_LONG, SURVIVED, UNREACHED, OUTSIDE = "killed", "too long", "survived", "not reached", "outside"
DEAD = (KILLED, TOO_LONG)
PATTERNS = (
    *("access/*.py", "access/audit_log/*.py", "access/backoffice/*.py", "access/templatetags/*.py"),
    *("accounts/sessions/*.py", "accounts/sessions/browser/*.py", "gateway/*.py"),
)
MODULES = (
    *(str(path.relative_to(PROJECT)) for each in PATTERNS for path in sorted(PROJECT.glob(each))),
    "apikeys/at_rest/digests.py",
    "apikeys/at_rest/key_text.py",
    "config/secrets/key_formats.py",
    "config/server/batches.py",
    "config/server/fairness.py",
    "apikeys/authentication.py",
    "oauth/authentication.py",
    "accounts/second_factor/seed_encryption.py",
    "accounts/second_factor/totp.py",
    "accounts/second_factor/verification.py",
    "accounts/passkeys/challenges.py",
    "accounts/passkeys/verification.py",
    "webhooks/signing.py",
    "webhooks/urls_allowed.py",
    "webhooks/authority.py",
    "webhooks/delivery/outcomes.py",
    "webhooks/delivery/retry_after.py",
    "webhooks/services/sending.py",
)


@dataclass(frozen=True)
class Mutant:
    """A module with one change: the lines from `start` to before `end`, counted from 0, are `text`."""

    path: str
    start: int
    end: int
    text: str

    @cached_property
    def original(self) -> str:
        return (PROJECT / self.path).read_text()

    @cached_property
    def source(self) -> str:
        lines = self.original.splitlines(keepends=True)
        return "".join([*lines[: self.start], self.text, *lines[self.end :]])

    @property
    def lines(self) -> tuple[int, int]:
        """The first and the last changed line of the original, counted from 1."""
        before, after = self.original.splitlines(), self.source.splitlines()
        first = _same(before, after)
        last = len(before) - _same(before[first:][::-1], after[first:][::-1])
        return first + 1, max(first + 1, last)

    @property
    def key(self) -> str:
        """Names the change, wherever in the module it is."""
        return hashlib.sha256(f"{self.path}\0{self.text}".encode()).hexdigest()[:16]

    @property
    def difference(self) -> str:
        before, after = self.original.splitlines(), self.source.splitlines()
        found = difflib.unified_diff(before, after, self.path, self.path, lineterm="", n=1)
        return "\n".join(list(found)[2:])


def _same(before: list[str], after: list[str]) -> int:
    """How many lines at the beginning are the same."""
    pairs = zip(before, after, strict=False)
    return next((i for i, (one, other) in enumerate(pairs) if one != other), min(len(before), len(after)))


class Outcomes:
    """What came of each mutant, kept in a file: a later run tries only those again that it is asked to."""

    def __init__(self, path: Path = FOLDER / "outcomes.json") -> None:
        self._path = path
        self._kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}

    def of(self, mutant: Mutant) -> str | None:
        return self._kept.get(mutant.key)

    def keep(self, mutant: Mutant, outcome: str) -> None:
        self._kept[mutant.key] = outcome

    def write(self) -> None:
        self._path.write_text(json.dumps(self._kept, indent=0))

    def summary(self, mutants: list[Mutant]) -> str:
        """Return a row of the table: module, mutants, killed, alive, and the share of the killed."""
        counts = Counter((self.of(mutant) or "").partition(":")[0] for mutant in mutants)
        inside = sum(counts.values()) - counts[OUTSIDE]
        dead = sum(counts[each] for each in DEAD)
        alive = counts[SURVIVED] + counts[UNREACHED]
        score = f"{100 * dead / inside:.0f} %" if inside else "no mutants"
        return f"| `{mutants[0].path}` | {inside} | {dead} | {alive} | {score} |"
