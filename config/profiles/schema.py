"""What a profile file may say. The loader decodes into these types; anything else is refused."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from config.profiles.capabilities import Capability
from config.secrets.key_pairs import Algorithm

Name = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_.:-]{0,63}\Z")]
Text = Annotated[str, Meta(min_length=1, max_length=200)]
Seconds = Annotated[int, Meta(ge=1, le=315_360_000)]  # ten years
Everything = Literal["*"]
Identifier = Literal["username", "email"]
CredentialKind = Literal["key", "jwt", "oauth2", "none"]

# Headers that some services take for the path of something else to write or read: WebDAV (RFC 4918 section
# 10.3), tus, Swift, and object stores in the dialects of S3, Google, Azure, Alibaba, Tencent and Huawei.
# The proxies pass exactly these on to Keyhouse.
SecondPathHeader = Literal[
    "Destination",
    "Upload-Concat",
    "X-Copy-From",
    "X-Amz-Copy-Source",
    "X-Amz-Rename-Source",
    "X-Goog-Copy-Source",
    "X-Ms-Copy-Source",
    "X-Ms-Rename-Source",
    "X-Oss-Copy-Source",
    "X-Cos-Copy-Source",
    "X-Obs-Copy-Source",
]

Member = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}\Z")]
Members = Annotated[tuple[Member, ...], Meta(min_length=1)]
IdPrefix = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,31}_\Z")]

HEADER = r"^([A-Za-z][A-Za-z0-9-]{0,63})?\Z"
PREFIX = r"^[A-Za-z][A-Za-z0-9_]{1,31}_\Z"
BASE_PATH = r"^(/[a-z0-9._-]+)*\Z"
PATH = r"^[a-z0-9._-]+(/[a-z0-9._-]+)*\Z"
METHOD = r"^[A-Z]+\Z"
MEMBER = r"^[a-z][a-z0-9_]{0,63}\Z"


class Table(Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file: immutable, and an unknown member is an error."""


class Product(Table, frozen=True):
    """Whose dialect this is, and where its API stands."""

    name: Text
    base_path: Annotated[str, Meta(pattern=BASE_PATH, max_length=100)]


Path = Annotated[str, Meta(pattern=PATH, max_length=100)]


class Paths(Table, frozen=True):
    """Where the resources stand, below the base path."""

    users: Path = "users"
    api_keys: Path = "api-keys"


class Login(Table, frozen=True):
    """How people log in and how long that lasts.

    `session_idle_seconds` is how long a session lives without a refresh, `session_seconds` how long
    it lives whatever happens. A refresh takes a refresh token in the body, or the access token itself.
    For `refresh_grace_seconds` after a refresh, a caller at the same address who sends the old refresh token
    again gets the same new one, unless that was used meanwhile.
    Who registers gets `registration_role`; without one nobody can. Who has no account and accepts an
    invitation gets `invitation_role`, or else the same; without both only people with an account can.
    What is in `second_factor_for` is withheld from people who have not proven a second factor; keys are
    not people. With `second_factor_recovery_days`, people who can show their mailbox but no code have their
    second factor removed after so many days in which nobody can log in. Access tokens are signed with
    `token_algorithm`: all but HS256 let others verify them.
    """

    identifiers: Annotated[tuple[Identifier, ...], Meta(min_length=1)]
    access_token_seconds: Seconds
    session_idle_seconds: Seconds
    session_seconds: Seconds
    password_min_length: Annotated[int, Meta(ge=8, le=128)] = 15
    refresh_takes: Literal["refresh_token", "access_token"] = "refresh_token"
    refresh_grace_seconds: Annotated[int, Meta(ge=0, le=60)] = 0
    registration_role: str = ""
    second_factor_for: tuple[Capability, ...] = ()
    second_factor_recovery_days: Annotated[int, Meta(ge=1, le=90)] | None = None
    invitation_role: str = ""
    token_algorithm: Literal["HS256"] | Algorithm = "HS256"


class OAuth2(Table, frozen=True):
    """OAuth2 and OpenID Connect, for a profile that has the table, be it empty.

    `pkce` says of whom it is required: of all clients but those registered to do without, or of those alone
    that can keep no secret. ID tokens are signed with `id_token_algorithm`.
    """

    pkce: Literal["all", "public"] = "all"
    id_token_algorithm: Algorithm = "RS256"


class KeyFormat(Table, frozen=True):
    """The text of a key: `prefix` and then `length` characters, of which the last `checksum` check it."""

    prefix: Annotated[str, Meta(pattern=PREFIX)]
    alphabet: Literal["base62", "hex"]
    length: Annotated[int, Meta(ge=20, le=200)]
    checksum: Annotated[int, Meta(ge=0)]


class ChoiceAttribute(Table, frozen=True, tag_field="kind", tag="choice"):
    """A member of a key that is one of a few words."""

    description: Text
    choices: Annotated[tuple[Text, ...], Meta(min_length=1)]
    default: Text


class BooleanAttribute(Table, frozen=True, tag_field="kind", tag="boolean"):
    """A member of a key that is true or false."""

    description: Text
    default: bool


Attribute = ChoiceAttribute | BooleanAttribute


class Keys(Table, frozen=True):
    """Where keys are sent, what they look like in each environment, how much of one is shown later.

    `header` can be empty if keys come after Bearer alone. `list` says which keys the list shows,
    `at_own_endpoints` whether keys are taken by our own endpoints or by the gateway alone. `attributes`
    are members that mean something to the product and nothing to us; lists can be filtered by them. With
    `longest_days` every key expires, at most so many days after it was made.
    """

    header: Annotated[str, Meta(pattern=HEADER)]
    bearer: bool
    default_environment: Name
    shown_characters: Annotated[int, Meta(ge=0, le=12)]
    environments: Annotated[dict[Name, KeyFormat], Meta(min_length=1)]
    scopes_required: bool = False
    at_own_endpoints: bool = True
    list: Literal["all", "own"] = "all"
    attributes: dict[Annotated[str, Meta(pattern=MEMBER)], Attribute] = {}
    longest_days: Annotated[int, Meta(ge=1, le=3650)] | None = None


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
    for a canonical member, `"resource.member" = "name"` or `"member" = "name"` wherever it stands;
    `id_prefixes` is for ids = "prefixed"; `times` are 2026-01-31T12:00:00Z or, bare, without the Z;
    `messages` are said where there is nothing else to answer.
    """

    case: Literal["snake", "camel"] = "snake"
    envelope: Annotated[str, Meta(pattern=r"^[A-Za-z_]{0,64}\Z")] = ""
    lists: Literal["page", "array"] = "page"
    ids: Literal["uuid", "integer", "prefixed"] = "uuid"
    times: Literal["utc", "bare"] = "utc"
    id_prefixes: dict[str, IdPrefix] = {}
    names: dict[str, Member] = {}
    members: dict[str, Members] = {}
    messages: dict[Literal["logout"], Text] = {}


Method = Annotated[str, Meta(pattern=METHOD)]


class Route(Table, frozen=True):
    """One row of the gateway's table: who may call `methods` on `path`.

    In `path`, `{name}` stands for one segment and a last `**` for all below, and the place itself. Every
    scope in `scopes` is needed; of `roles`, any one. `second_paths` are headers that may name another path,
    each with a method: the caller must be allowed to call that path with it.
    """

    methods: Annotated[tuple[Method, ...], Meta(min_length=1)]
    path: Annotated[str, Meta(pattern=r"^/")]
    credentials: Annotated[tuple[CredentialKind, ...], Meta(min_length=1)]
    scopes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    second_paths: dict[SecondPathHeader, Method] = {}


class ProfileFile(Table, frozen=True):
    """The whole file."""

    product: Product
    login: Login
    keys: Keys
    roles: dict[Name, Role]
    scopes: dict[Name, Scope] = {}
    paths: Paths = Paths()
    wire: Wire = Wire()
    routes: tuple[Route, ...] = ()
    oauth2: OAuth2 | None = None
