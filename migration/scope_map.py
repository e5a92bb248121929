"""The file that says which scopes of the profile a scope of another system becomes."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from apikeys import scopes
from apikeys.services.api_keys import check_scopes
from config.wire.errors import Invalid
from config.wire.quoting import quoted
from migration.rows import Fault

MEMBER = "scopes"


class ScopeMap(NamedTuple):
    """`default` is for keys that name no scope, `mapped` has the scopes for each of theirs."""

    default: tuple[str, ...] = ()
    mapped: Mapping[str, tuple[str, ...]] = {}

    def granted(self, named: Sequence[str]) -> list[str]:
        """Return the scopes of a key that names these. Raises Fault for one that the file does not have."""
        if not named:
            return list(self.default)
        unknown = next((scope for scope in named if scope not in self.mapped), None)
        if unknown is not None:
            raise Fault(f"scopes: the file of --scopes does not say what {quoted(unknown)} becomes")
        return scopes.unique([scope for each in named for scope in self.mapped[each]])


def read_scope_map(path: str | None) -> ScopeMap:
    """Return what the file says, or that every key has no scopes. Raises Invalid."""
    document = _document(Path(path)) if path is not None else {}
    unknown = sorted(set(document) - {"default", "scopes"})
    if unknown:
        raise Invalid(MEMBER, f"{path}: {quoted(unknown[0])} is unknown; the members are default and scopes")
    mapped = document.get("scopes", {})
    if not isinstance(mapped, dict):
        raise Invalid(MEMBER, f"{path}: scopes must be a table")
    found = ScopeMap(_names(document.get("default", [])), {old: _names(new) for old, new in mapped.items()})
    for each in (found.default, *found.mapped.values()):
        check_scopes(each)
    return found


def _document(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Invalid(MEMBER, f"{path}: {error.strerror or error}") from None
    except ValueError as error:
        raise Invalid(MEMBER, f"{path} is not TOML: {error}") from None
    except RecursionError:
        raise Invalid(MEMBER, f"{path} is nested too deep") from None


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise Invalid(MEMBER, 'each scope must become a list of scopes, such as ["services:read"]')
    return tuple(value)
