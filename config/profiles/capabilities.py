"""The capabilities of Keyhouse itself, and the power of a caller."""

from dataclasses import dataclass
from enum import StrEnum


class Capability(StrEnum):
    """Something that a role or a scope can allow. All profiles use the same words."""

    READ_OWN_KEYS = "read_own_keys"
    MANAGE_OWN_KEYS = "manage_own_keys"
    READ_KEYS = "read_keys"
    MANAGE_KEYS = "manage_keys"
    READ_USERS = "read_users"
    MANAGE_USERS = "manage_users"
    READ_ORGANIZATIONS = "read_organizations"
    MANAGE_ORGANIZATIONS = "manage_organizations"
    READ_AUDIT = "read_audit"
    INTROSPECT = "introspect"
    REPORT_USE = "report_use"


@dataclass(frozen=True, slots=True)
class Power:
    """What a caller may do: capabilities inside Keyhouse, scopes at the services behind it."""

    capabilities: frozenset[Capability] = frozenset()
    scopes: frozenset[str] = frozenset()

    def __and__(self, other: "Power") -> "Power":
        return Power(self.capabilities & other.capabilities, self.scopes & other.scopes)

    def __or__(self, other: "Power") -> "Power":
        return Power(self.capabilities | other.capabilities, self.scopes | other.scopes)

    def __sub__(self, other: "Power") -> "Power":
        return Power(self.capabilities - other.capabilities, self.scopes - other.scopes)

    def __le__(self, other: "Power") -> bool:
        return self.capabilities <= other.capabilities and self.scopes <= other.scopes


NO_POWER = Power()
