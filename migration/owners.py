"""Finds the owners of imported keys by their names, and makes missing people where the operator says so."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from secrets import token_hex
from typing import NamedTuple
from unicodedata import normalize
from uuid import UUID, uuid4

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX

from access.principals import Caller
from accounts.models import Organization, User
from accounts.users import authority
from accounts.users.names import clean_email, clean_username, fold, fold_email
from audit.actors import Target
from audit.events import EventName
from audit.log import Entry
from config.database.bulk import insert_like
from config.database.sql import Lookup
from config.wire.errors import DomainError
from config.wire.quoting import quoted
from migration.distinct import Distinct
from migration.rows import Fault, ForeignKey

BY_NAME = Lookup("username_key, email_key, id, username", "accounts_user", "username_key")
BY_ADDRESS = BY_NAME._replace(by="email_key")
PASSWORD_BYTES = 20  # of the part in which unusable passwords differ, as Django's do


class OwnerRule(NamedTuple):
    """Whose the keys become: `organization`'s if it is given, else that of the owner that each row names.

    With `role`, people who do not exist are made with this global role, without a password.
    """

    organization: Organization | None = None
    role: str | None = None


@dataclass(slots=True)
class Owner:
    """The owner of a key, by primary key: a person or an organization. A new person gets it when stored."""

    user_id: int | None = None
    organization_id: int | None = None
    username: str | None = None


class NewPerson(NamedTuple):
    """The columns in which the people of an import differ."""

    uuid: UUID
    username: str | None
    username_key: str | None
    email: str
    email_key: str
    password: str


@dataclass
class Owners:
    """The owners of a batch of keys. `made` counts the people who are made.

    In a dry run they are met with every batch again. `met` then tells who was counted.
    """

    rule: OwnerRule
    caller: Caller
    met: Distinct | None = None
    made: int = 0
    _new: list[tuple[NewPerson, Owner]] = field(default_factory=list)
    _people: dict[str, Owner] = field(default_factory=dict)
    _organizations: dict[str, Owner] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.rule.role is not None:
            authority.clean_global_role(self.caller, self.rule.role)

    def look_up(self, keys: Sequence[ForeignKey]) -> None:
        """Read the owners that these keys name, with three queries at most. Forget those of earlier keys."""
        self._new = []
        if self.rule.organization is not None:
            return
        self._people = _by_key(keys)
        named = {fold(key.organization) for key in keys if key.organization}
        rows = Organization.objects.filter(name_key__in=named).values_list("name_key", "pk") if named else ()
        self._organizations = {name: Owner(organization_id=number) for name, number in rows}

    def of(self, key: ForeignKey) -> Owner:
        """Return the owner of a key. Raises Fault."""
        if self.rule.organization is not None:
            return Owner(organization_id=self.rule.organization.pk)
        if key.organization:
            return self._organization(key.organization)
        if (found := self._person(key)) is not None:
            return found
        if not key.owner and not key.email:
            raise Fault("names no owner; name one, or give all keys to one with --organization")
        if self.rule.role is None:
            raise Fault(
                f"the owner {quoted(key.owner or key.email)} does not exist; --make-owners creates them"
            )
        return self._make(key)

    def _person(self, key: ForeignKey) -> Owner | None:
        """Return whom a key names. Raises Fault if that may be somebody else in the other system.

        Systems tell Alice from alice, and let people type an address that is not theirs.
        """
        by_name = self._people.get(_folded_name(key.owner))
        found = by_name or self._people.get(_folded_email(key.email))
        if found is None or not key.owner:
            return found
        is_same = by_name if "@" in key.owner else found.username in (None, _spelled(key.owner))
        if not is_same:
            here = found.username or "the person with that address"
            raise Fault(f"the owner {quoted(key.owner)} may not be {here}; if so, name them as they are here")
        return found

    def _organization(self, name: str) -> Owner:
        found = self._organizations.get(fold(name))
        if found is None:
            raise Fault(f"the organization {quoted(name)} does not exist; create it first")
        return found

    def _make(self, key: ForeignKey) -> Owner:
        try:
            person = _new_person(key)
        except DomainError as error:
            raise Fault(f"the owner cannot be made: {error.detail}") from None
        self.made += self.met is None or self.met.is_new(person.email_key)
        owner = Owner(username=person.username)
        self._new.append((person, owner))
        self._people |= {name: owner for name in (person.username_key, person.email_key) if name}
        return owner

    def store_new(self) -> list[Entry]:
        """Store the people who were made for these keys, in the caller's transaction; return what to record.

        Raises IntegrityError if one exists by now.
        """
        if not self._new:
            return []
        role = self.rule.role or ""
        insert_like(User(role=role), NewPerson._fields, [person for person, _ in self._new])
        addresses = [person.email_key for person, _ in self._new]
        stored = {email: number for _, email, number, _ in BY_ADDRESS.find(addresses)}
        for person, owner in self._new:
            owner.user_id = stored[person.email_key]
        detail = {"role": role, "imported": True}
        targets = (Target("user", str(each.uuid), each.username or each.email) for each, _ in self._new)
        return [Entry(EventName.USER_CREATED, target, detail) for target in targets]


@lru_cache(maxsize=2_048)
def _folded_name(name: str) -> str:
    """Return what a user name or an address is found by."""
    return fold_email(name) if "@" in name else fold(name)


@lru_cache(maxsize=2_048)
def _spelled(name: str) -> str:
    """Return a user name as it would be stored here."""
    return normalize("NFKC", name)


@lru_cache(maxsize=2_048)
def _folded_email(address: str) -> str:
    return fold_email(address)


def _by_key(keys: Iterable[ForeignKey]) -> dict[str, Owner]:
    names = {_folded_name(key.owner) for key in keys if key.owner and "@" not in key.owner}
    addresses = {_folded_email(each) for key in keys for each in (key.email, key.owner) if "@" in each}
    rows = BY_NAME.find(list(names)) + BY_ADDRESS.find(list(addresses))
    people = [(key, email, Owner(user_id=number, username=name)) for key, email, number, name in rows]
    found = {email: owner for _, email, owner in people}
    return found | {key: owner for key, _, owner in people if key}


def _new_person(key: ForeignKey) -> NewPerson:
    """Return a person without a password, not stored yet. Raises Invalid."""
    email = clean_email(key.email or key.owner)
    username = clean_username(key.owner) if key.owner and "@" not in key.owner else None
    password = UNUSABLE_PASSWORD_PREFIX + token_hex(PASSWORD_BYTES)
    return NewPerson(uuid4(), username, username and fold(username), email, fold_email(email), password)
