"""What a profile file may say. The loader decodes into these types; anything else is refused."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from config.profiles.capabilities import Capability

Name = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_.:-]{0,63}\Z")]
Text = Annotated[str, Meta(min_length=1, max_length=200)]
Seconds = Annotated[int, Meta(ge=1, le=315_360_000)]  # ten years
Everything = Literal["*"]
Identifier = Literal["username", "email"]
CredentialKind = Literal["key", "jwt", "oauth2", "none"]

Member = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}\Z")]
Members = Annotated[tuple[Member, ...], Meta(min_length=1)]
IdPrefix = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,31}_\Z")]

HEADER = r"^[A-Za-z][A-Za-z0-9-]{0,63}\Z"
PREFIX = r"^[A-Za-z][A-Za-z0-9_]{1,31}_\Z"
BASE_PATH = r"^(/[a-z0-9._-]+)*\Z"
METHOD = r"^[A-Z]+\Z"


class Table(Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file: immutable, and an unknown member is an error."""


class Product(Table, frozen=True):
    """Whose dialect this is, and where its API stands."""

    name: Text
    base_path: Annotated[str, Meta(pattern=BASE_PATH, max_length=100)]


class Login(Table, frozen=True):
    """How people log in and how long that lasts.

    `session_idle_seconds` is how long a session lives without a refresh, `session_seconds` how long
    it lives whatever happens.
    """

    identifiers: Annotated[tuple[Identifier, ...], Meta(min_length=1)]
    access_token_seconds: Seconds
    session_idle_seconds: Seconds
    session_seconds: Seconds
    password_min_length: Annotated[int, Meta(ge=8, le=128)] = 15


class KeyFormat(Table, frozen=True):
    """The text of a key: `prefix` and then `length` characters, of which the last `checksum` check it."""

    prefix: Annotated[str, Meta(pattern=PREFIX)]
    alphabet: Literal["base62", "hex"]
    length: Annotated[int, Meta(ge=20, le=200)]
    checksum: Annotated[int, Meta(ge=0)]


class Keys(Table, frozen=True):
    """Where keys are sent, what they look like in each environment, how much of one is shown later."""

    header: Annotated[str, Meta(pattern=HEADER)]
    bearer: bool
    default_environment: Name
    shown_characters: Annotated[int, Meta(ge=0, le=12)]
    environments: Annotated[dict[Name, KeyFormat], Meta(min_length=1)]


class Scope(Table, frozen=True):
    """A scope in the product's words; `capabilities` is what it opens in Keyhouse itself."""

    description: Text
    implies: tuple[str, ...] | Everything = ()
    capabilities: tuple[Capability, ...] | Everything = ()


class Role(Table, frozen=True):
    """A role: what a person in it may do in Keyhouse, and which scopes they hold.

    An organization role counts only inside the organization where a person has it.
    """

    description: Text
    level: Literal["global", "organization"]
    capabilities: tuple[Capability, ...] | Everything = ()
    scopes: tuple[str, ...] | Everything = ()


class Wire(Table, frozen=True):
    """The form of requests and answers.

    `members` lists, per resource, the members of an answer in order; `names` gives another spelling
    for a canonical member, `"resource.member" = "name"`; `id_prefixes` is for ids = "prefixed".
    """

    case: Literal["snake", "camel"] = "snake"
    envelope: Annotated[str, Meta(pattern=r"^[A-Za-z_]{0,64}\Z")] = ""
    lists: Literal["page", "array"] = "page"
    ids: Literal["uuid", "integer", "prefixed"] = "uuid"
    id_prefixes: dict[str, IdPrefix] = {}
    names: dict[str, Member] = {}
    members: dict[str, Members] = {}


class Route(Table, frozen=True):
    """One row of the gateway's table: who may call `methods` on `path`.

    In `path`, `{name}` stands for one segment and a last `**` for all below, and the place itself. Every
    scope in `scopes` is needed; of `roles`, any one.
    """

    methods: Annotated[tuple[Annotated[str, Meta(pattern=METHOD)], ...], Meta(min_length=1)]
    path: Annotated[str, Meta(pattern=r"^/")]
    credentials: Annotated[tuple[CredentialKind, ...], Meta(min_length=1)]
    scopes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


class ProfileFile(Table, frozen=True):
    """The whole file."""

    product: Product
    login: Login
    keys: Keys
    scopes: dict[Name, Scope]
    roles: dict[Name, Role]
    wire: Wire = Wire()
    routes: tuple[Route, ...] = ()
