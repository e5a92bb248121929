"""Who calls, as the rest of Keyhouse sees them: small, frozen, without the database."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Literal, NamedTuple

from access.key_limits import Limits
from audit.actors import Actor, Origin
from config import profiles
from config.profiles import NO_POWER, Capability, Power, Profile
from config.wire.errors import NotAllowed, SecondFactorRequired

CredentialKind = Literal["key", "jwt", "oauth2", "admin", "command"]
PROGRAMS = frozenset({"key", "oauth2"})


class Reach(NamedTuple):
    """Where somebody may do a thing: everywhere, or in these organizations."""

    everywhere: bool
    organizations: frozenset[int]

    def __bool__(self) -> bool:
        return self.everywhere or bool(self.organizations)


@dataclass(frozen=True, slots=True)
class Credential:
    """What was shown: its kind, its public id, when it ends if it does, and what it is held to.

    `client` is the client_id of whoever it was given to, if it is one of OAuth2.
    `number` is that of a key's row, under which its uses are counted; 0 for what is no key. `token` is that
    of the row of the OAuth2 access token that stands behind it: that itself, or the one with which a key was
    made; 0 without such a token. `identity_scopes` are the granted OAuth2 scopes that tell about the person.
    """

    kind: CredentialKind
    id: str
    expires_at: datetime | None = None
    label: str = ""
    limits: Limits | None = None
    client: str = ""
    number: int = 0
    token: int = 0
    identity_scopes: frozenset[str] = frozenset()

    @property
    def is_of_client(self) -> bool:
        """Whether it is an OAuth2 client's: a token, or a key that was made through one."""
        return self.kind == "oauth2" or bool(self.token)

    def has_ended(self, now: datetime) -> bool:
        """Whether it has expired by `now`."""
        return self.expires_at is not None and self.expires_at <= now


class Place(NamedTuple):
    """An organization to act in: its uuid, and the roles, the global one included, that one has there."""

    organization: str
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls and what they may do at this moment.

    `subject` is the uuid of the person or organization. What a global role allows stands in
    `everywhere`, what roles in organizations allow in `within`, by the organization's number.
    `organization_id` is the organization that the credential acts in, if it acts in one; `places` are all
    that it could act in. `with_second_factor` is the same person after a login with a second factor, if that
    would allow more.
    """

    subject: str
    label: str
    credential: Credential
    everywhere: Power = NO_POWER
    within: Mapping[int, Power] = field(default_factory=dict)
    roles: frozenset[str] = frozenset()
    user_id: int | None = None
    organization_id: int | None = None
    organization: str = ""
    places: Mapping[int, Place] = field(default_factory=dict)
    second_factor: bool = False
    with_second_factor: "Principal | None" = None

    is_authenticated = True  # what DRF asks of request.user

    @property
    def is_person(self) -> bool:
        """Whether a person logged in, rather than a program with a key or with somebody's consent."""
        return self.credential.kind not in PROGRAMS

    @property
    def scopes(self) -> frozenset[str]:
        """What the credential may do at services: by global role, and in the organization it acts in."""
        return self.everywhere.scopes | self.within.get(self.organization_id or 0, NO_POWER).scopes

    @property
    def actor(self) -> Actor:
        """The caller as the audit log names them."""
        match self.credential.kind:
            case "key":
                return Actor("api_key", self.credential.id, f"{self.credential.label} ({self.label})"[:200])
            case "oauth2":
                return Actor("oauth2", self.credential.id, f"{self.credential.label} ({self.label})"[:200])
            case "command":
                return Actor("operator", "", self.label)
            case _:
                return Actor("user", self.subject, self.label)

    def power_in(self, organization_id: int | None) -> Power:
        """What the caller may do in an organization; None stands for outside of any."""
        if organization_id is None:
            return self.everywhere
        return self.everywhere | self.within.get(organization_id, NO_POWER)

    def may(self, capability: Capability, organization_id: int | None = None) -> bool:
        """Whether the caller may do this in the organization, or everywhere if none is given."""
        return capability in self.power_in(organization_id).capabilities

    def may_somewhere(self, capability: Capability) -> bool:
        """Whether there is any place where the caller may do this."""
        return bool(self.reach(capability))

    def reach(self, capability: Capability) -> Reach:
        """Where the caller may do this."""
        places = frozenset(
            number for number, power in self.within.items() if capability in power.capabilities
        )
        return Reach(capability in self.everywhere.capabilities, places)

    @property
    def scopes_anywhere(self) -> frozenset[str]:
        """The scopes that the caller holds in any place."""
        return self.everywhere.scopes.union(*(power.scopes for power in self.within.values()))

    def excess_over(self, other: "Principal") -> Power:
        """What this principal may do, in any place, that `other` may not do there."""
        excess = self.everywhere - other.everywhere
        for number, power in self.within.items():
            excess |= power - other.power_in(number)
        return excess

    def require(self, predicate: "Callable[[Principal], bool]", message: str) -> None:
        """Raise NotAllowed, which says `message`, unless the caller satisfies this.

        SecondFactorRequired if a second factor is all that is missing.
        """
        if not predicate(self):
            raise self.refusal(predicate, message)

    def refusal(self, predicate: "Callable[[Principal], bool]", message: str) -> NotAllowed:
        """Return what to raise if the caller does not satisfy `predicate`."""
        if self.with_second_factor is not None and predicate(self.with_second_factor):
            return SecondFactorRequired()
        return NotAllowed(message)

    def acting_in(self, number: int) -> "Principal":
        """The same caller, acting in another of their places."""
        place = self.places[number]
        return replace(
            self,
            organization_id=number,
            organization=place.organization,
            roles=place.roles,
            with_second_factor=self.with_second_factor and self.with_second_factor.acting_in(number),
        )

    def without_second_factor(self, strict: frozenset[int]) -> "Principal":
        """The same person after a login without a second factor.

        Without what the profile wants one for, and without the roles in the organizations `strict`, which
        want one for everything.
        """
        profile = profiles.active()
        wanting = Power(frozenset(profile.login.second_factor_for))
        if wanting == NO_POWER and not strict:
            return self
        everywhere = frozenset(profile.roles_of_level("global"))
        less = replace(
            self,
            everywhere=self.everywhere - wanting,
            within={n: NO_POWER if n in strict else power - wanting for n, power in self.within.items()},
            roles=self.roles & everywhere if self.organization_id in strict else self.roles,
            places={
                n: place._replace(roles=place.roles & everywhere) if n in strict else place
                for n, place in self.places.items()
            },
        )
        return self if less == self else replace(less, with_second_factor=self)

    def without_power(self) -> "Principal":
        """The same person after a login without the second factor that they must have: with no power."""
        less = replace(
            self,
            everywhere=NO_POWER,
            within=dict.fromkeys(self.within, NO_POWER),
            roles=frozenset(),
            places={n: place._replace(roles=frozenset()) for n, place in self.places.items()},
        )
        return self if less == self else replace(less, with_second_factor=self)

    def narrowed(self, granted: frozenset[str], credential: Credential) -> "Principal":
        """The same person acting through a credential that was given only the scopes `granted`."""
        return replace(
            self,
            credential=credential,
            everywhere=narrow(self.everywhere, granted),
            within={number: narrow(power, granted) for number, power in self.within.items()},
            with_second_factor=self.with_second_factor
            and self.with_second_factor.narrowed(granted, credential),
        )


def narrow(held: Power, granted: frozenset[str]) -> Power:
    """What is left of `held` for a credential with the scopes `granted`: never more than either."""
    return _narrow(profiles.active(), held, granted)


@lru_cache(maxsize=4096)
def _narrow(profile: Profile, held: Power, granted: frozenset[str]) -> Power:
    """Kept, since most keys have one of a few sets of scopes, and their owners one of a few roles."""
    scopes = profile.power_of_scopes(granted).scopes & held.scopes
    return profile.power_of_scopes(scopes) & held


def operator(label: str) -> Principal:
    """The person at the command line, who owns the machine and so may do everything."""
    credential = Credential("command", "")
    return Principal(subject="", label=label, credential=credential, everywhere=profiles.active().everything)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks a service to do something, from where and when."""

    principal: Principal
    origin: Origin
