"""A loaded profile: the file's tables, and what follows from them."""

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from config.profiles.capabilities import NO_POWER, Capability, Power
from config.profiles.keys import Keys, Leaks
from config.profiles.login import Login, OAuth2
from config.profiles.notices import Notices
from config.profiles.rotation import Rotation
from config.profiles.schema import Paths, Product, ProfileFile, Role, Route, Scope, Wire
from config.secrets.key_pairs import Algorithm

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Profile:
    """The dialect of one product, checked. `source` is the file that it came from."""

    source: str
    file: ProfileFile

    @property
    def product(self) -> Product:
        return self.file.product

    @property
    def login(self) -> Login:
        return self.file.login

    @property
    def oauth2(self) -> OAuth2 | None:
        return self.file.oauth2

    @property
    def leaks(self) -> Leaks | None:
        return self.file.leaks

    @property
    def keys(self) -> Keys:
        return self.file.keys

    @property
    def notices(self) -> Notices:
        return self.file.notices

    @property
    def rotation(self) -> Rotation:
        return self.file.rotation

    @property
    def scopes(self) -> dict[str, Scope]:
        return self.file.scopes

    @property
    def roles(self) -> dict[str, Role]:
        return self.file.roles

    @property
    def paths(self) -> Paths:
        return self.file.paths

    @property
    def wire(self) -> Wire:
        return self.file.wire

    @property
    def routes(self) -> tuple[Route, ...]:
        return self.file.routes

    @property
    def base_path(self) -> str:
        """The API's path without a trailing slash: "/api/v1", or "" at the root."""
        return self.product.base_path

    def is_upstream(self, resource: str) -> bool:
        """Whether the product has a resource of this name of its own, to which a route leads."""
        path = f"{self.base_path}/{resource}"
        return any(route.path == path or route.path.startswith(f"{path}/") for route in self.routes)

    @cached_property
    def signing_algorithms(self) -> tuple[Algorithm, ...]:
        """The algorithms of tokens that services verify with our published keys."""
        login = self.login.token_algorithm
        used: list[Algorithm] = [self.oauth2.id_token_algorithm] if self.oauth2 else []
        return tuple(used if login == "HS256" or login in used else [*used, login])

    @cached_property
    def everything(self) -> Power:
        """Every capability and scope: what a superuser and an operator at the command line hold."""
        return Power(frozenset(Capability), frozenset(self.scopes))

    def roles_of_level(self, level: str) -> list[str]:
        """Return the names of the "global" or "organization" roles, in the file's order."""
        return [name for name, role in self.roles.items() if role.level == level]

    def roles_with(self, capability: Capability, level: str) -> list[str]:
        """Return the names of the roles of this level that have the capability."""
        return [
            name
            for name in self.roles_of_level(level)
            if capability in self.power_of_role(name, level).capabilities
        ]

    def power_of_role(self, name: str | None, level: str) -> Power:
        """Return what the role `name` allows. A role that the profile lacks at this level allows nothing."""
        return self._role_powers.get((name, level), NO_POWER)

    def power_of_scopes(self, granted: frozenset[str]) -> Power:
        """Return the most that a credential with the scopes `granted` may do, with implied scopes."""
        power = NO_POWER
        for name in granted:
            power |= self._scope_powers.get(name, NO_POWER)
        return power

    @cached_property
    def _scope_powers(self) -> dict[str, Power]:
        return {name: self._scope_power(name) for name in self.scopes}

    @cached_property
    def _role_powers(self) -> dict[tuple[str | None, str], Power]:
        return {(name, role.level): self._role_power(role) for name, role in self.roles.items()}

    def _scope_power(self, name: str) -> Power:
        scopes = self._closure(name)
        capabilities: frozenset[Capability] = frozenset()
        for each in scopes:
            capabilities |= _all_or(self.scopes[each].capabilities, frozenset(Capability))
        return Power(capabilities, scopes)

    def _closure(self, name: str) -> frozenset[str]:
        """Return the scope `name` and all scopes that it implies, directly or indirectly."""
        found: set[str] = set()
        waiting = {name}
        while waiting:
            each = waiting.pop()
            found.add(each)
            waiting |= _all_or(self.scopes[each].implies, frozenset(self.scopes)) - found
        return frozenset(found)

    def _role_power(self, role: Role) -> Power:
        named = _all_or(role.scopes, frozenset(self.scopes))
        scopes = frozenset().union(*(self._closure(name) for name in named))
        return Power(_all_or(role.capabilities, frozenset(Capability)), scopes)


def _all_or(values: tuple[T, ...] | str, everything: frozenset[T]) -> frozenset[T]:
    """Return `values` as a set; "*" stands for `everything`."""
    return everything if isinstance(values, str) else frozenset(values)
