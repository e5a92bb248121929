"""The caller as the rest of Keyhouse sees it: small, frozen, independent of the database."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Literal, NamedTuple
from uuid import UUID

from access.key_limits import Limits
from audit.actors import Actor, Origin
from config import profiles
from config.profiles import NO_POWER, Capability, Power, Profile
from config.wire.errors import NotAllowed, SecondFactorRequired
from config.wire.ids import format_id

CredentialKind = Literal["key", "jwt", "oauth2", "command"]
PROGRAMS = frozenset({"key", "oauth2"})


class Reach(NamedTuple):
    """Where a caller may do something: everywhere, or in these organizations."""

    everywhere: bool
    organizations: frozenset[int]

    def __bool__(self) -> bool:
        return self.everywhere or bool(self.organizations)


@dataclass(frozen=True, slots=True)
class Credential:
    """The credential of a request: its kind, public id, expiry and limits.

    `client` is the client_id of the OAuth2 client that holds it, if one does.
    `number` is the primary key of an API key, under which its uses are counted; 0 for other kinds.
    `token` is the primary key of the OAuth2 access token: the credential itself, or the token that created
    the API key; 0 without one.
    `identity_scopes` are the granted OAuth2 scopes that let the client know who the person is.
    `proven_at` is when the person of a login last proved who they are; None for other kinds.
    `counted_as` is the uuid under which the requests of an API key count against its limits: that of the key,
    or of the first one that it replaces after rotations.
    `is_confined` says that the person may do more than this login: only an organization's identity provider
    vouches for it, or an organization requires its provider, and this is a login without it.
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
    proven_at: datetime | None = None
    counted_as: str = ""
    is_confined: bool = False

    def __str__(self) -> str:
        """The kind and the public id: of a key as the API shows it, of other credentials the uuid."""
        is_plain = self.kind != "key" or profiles.active().wire.ids == "uuid"
        return f"{self.kind}:{self.id if is_plain else format_id('api_key', self.number, UUID(self.id))}"

    @property
    def is_of_client(self) -> bool:
        """Whether an OAuth2 client holds it: an access token, or an API key created with one."""
        return self.kind == "oauth2" or bool(self.token)


class Place(NamedTuple):
    """An organization to act in: its uuid, and the caller's roles there, including the global one."""

    organization: str
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls, and what they may do at this moment.

    `subject` is the uuid of the person or organization. `everywhere` is what the global role allows; `within`
    is what the roles in organizations allow, by the organization's primary key.
    `organization_id` is the organization that the credential acts in, if any; `places` are all that it could
    act in. `with_second_factor` is the same person after a login with a second factor, if that would allow
    more.
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

    is_authenticated = True  # DRF reads this from request.user

    @property
    def is_person(self) -> bool:
        """Whether a person logged in, as opposed to a program with an API key or an OAuth2 token."""
        return self.credential.kind not in PROGRAMS

    @property
    def scopes(self) -> frozenset[str]:
        """The credential's scopes at services: from the global role, and in the organization it acts in."""
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

    @property
    def holds_anything(self) -> bool:
        """Whether this person may do anything, at least after a login with a second factor."""
        whole = self.with_second_factor or self
        return any(power.capabilities for power in (whole.everywhere, *whole.within.values()))

    def power_in(self, organization_id: int | None) -> Power:
        """What the caller may do in an organization; None means outside every organization."""
        if organization_id is None:
            return self.everywhere
        return self.everywhere | self.within.get(organization_id, NO_POWER)

    def may(self, capability: Capability, organization_id: int | None = None) -> bool:
        """Whether the caller may do this in the organization, or everywhere if none is given."""
        return capability in self.power_in(organization_id).capabilities

    def may_somewhere(self, capability: Capability) -> bool:
        """Whether the caller may do this anywhere."""
        return bool(self.reach(capability))

    def reach(self, capability: Capability) -> Reach:
        """Where the caller may do this."""
        places = frozenset(
            number for number, power in self.within.items() if capability in power.capabilities
        )
        return Reach(capability in self.everywhere.capabilities, places)

    @property
    def scopes_anywhere(self) -> frozenset[str]:
        """The scopes that the caller holds anywhere."""
        return self.everywhere.scopes.union(*(power.scopes for power in self.within.values()))

    def excess_over(self, other: "Principal") -> Power:
        """What this principal may do, in any organization, that `other` may not do there."""
        excess = self.everywhere - other.everywhere
        for number, power in self.within.items():
            excess |= power - other.power_in(number)
        return excess

    def require(self, predicate: "Callable[[Principal], bool]", message: str) -> None:
        """Raise NotAllowed with `message` unless the caller satisfies `predicate`.

        Raises SecondFactorRequired instead if only a second factor is missing.
        """
        if not predicate(self):
            raise self.refusal(predicate, message)

    def refusal(self, predicate: "Callable[[Principal], bool]", message: str) -> NotAllowed:
        """Return the error for a caller who does not satisfy `predicate`."""
        if self.with_second_factor is not None and predicate(self.with_second_factor):
            return SecondFactorRequired()
        return NotAllowed(message)

    def acting_in(self, number: int) -> "Principal":
        """The same caller, acting in another of their organizations."""
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

        They lose the capabilities for which the profile requires one, and their roles in the organizations
        `strict`, which require one for everything.
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
        """The same person with no power: they logged in without the second factor that they must have."""
        less = replace(
            self,
            everywhere=NO_POWER,
            within=dict.fromkeys(self.within, NO_POWER),
            roles=frozenset(),
            places={n: place._replace(roles=frozenset()) for n, place in self.places.items()},
        )
        return self if less == self else replace(less, with_second_factor=self)

    def narrowed(self, granted: frozenset[str], credential: Credential) -> "Principal":
        """The same person, acting through a credential with only the scopes `granted`."""
        return replace(
            self,
            credential=credential,
            everywhere=narrow(self.everywhere, granted),
            within={number: narrow(power, granted) for number, power in self.within.items()},
            with_second_factor=self.with_second_factor
            and self.with_second_factor.narrowed(granted, credential),
        )


def narrow(held: Power, granted: frozenset[str]) -> Power:
    """Return the part of `held` that a credential with the scopes `granted` keeps."""
    return _narrow(profiles.active(), held, granted)


@lru_cache(maxsize=4096)
def _narrow(profile: Profile, held: Power, granted: frozenset[str]) -> Power:
    """Cached: most keys have one of a few sets of scopes, and their owners one of a few roles."""
    scopes = profile.power_of_scopes(granted).scopes & held.scopes
    return profile.power_of_scopes(scopes) & held


def operator(label: str) -> Principal:
    """Return the operator at the command line, who controls the machine and so may do everything."""
    credential = Credential("command", "")
    return Principal(subject="", label=label, credential=credential, everywhere=profiles.active().everything)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls a service, from where and when."""

    principal: Principal
    origin: Origin
