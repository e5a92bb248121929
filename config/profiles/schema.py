"""The schema of a profile file. The loader decodes files into these types, and refuses anything else."""

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

# Headers in which some services expect a second path to read or write: WebDAV (RFC 4918 section 10.3), tus,
# Swift, and object stores in the dialects of S3, Google, Azure, Alibaba, Tencent and Huawei. The proxies pass
# exactly these headers on to Keyhouse.
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


def says(text: str) -> Meta:
    """Return the description of a member, in Markdown. The page of profile members shows it."""
    return Meta(description=text)


class Table(Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file: immutable, and an unknown member is an error."""


class Product(Table, frozen=True):
    """The product that the profile is for, and the base path of its API."""

    name: Annotated[Text, says("The product's name, as pages and mails print it.")]
    base_path: Annotated[
        str, Meta(pattern=BASE_PATH, max_length=100), says("What the paths of the API begin with: `/api/v1`.")
    ]


Path = Annotated[str, Meta(pattern=PATH, max_length=100)]


class Paths(Table, frozen=True):
    """The paths of resources, below the base path."""

    users: Annotated[Path, says("The path of people.")] = "users"
    api_keys: Annotated[Path, says("The path of API keys.")] = "api-keys"


class Login(Table, frozen=True):
    """How people log in, and how long their sessions last."""

    identifiers: Annotated[
        tuple[Identifier, ...], Meta(min_length=1), says("What people name themselves by when they log in.")
    ]
    access_token_seconds: Annotated[Seconds, says("How long an access token is good.")]
    session_idle_seconds: Annotated[Seconds, says("A session ends after so long without a refresh.")]
    session_seconds: Annotated[Seconds, says("A session ends after so long whatever happens.")]
    password_min_length: Annotated[int, Meta(ge=8, le=128), says("The least length of passwords.")] = 15
    refresh_takes: Annotated[
        Literal["refresh_token", "access_token"],
        says("What a refresh exchanges: a refresh token in the body, or the access token itself."),
    ] = "refresh_token"
    refresh_grace_seconds: Annotated[
        int,
        Meta(ge=0, le=60),
        says(
            "For so long after a refresh, a caller at the same address who sends the old refresh token again "
            "gets the same new one, unless that was used meanwhile."
        ),
    ] = 0
    registration_role: Annotated[
        str, says("The global role of people who register. Without it, nobody can register.")
    ] = ""
    second_factor_for: Annotated[
        tuple[Capability, ...],
        says("Capabilities that people have only after a login with a second factor. Keys are not affected."),
    ] = ()
    second_factor_recovery_days: Annotated[
        Annotated[int, Meta(ge=1, le=90)] | None,
        says(
            "People who can read their mail but show no code have their second factor removed after so many "
            "days, in which nobody can log in. Without it, only administrators remove second factors."
        ),
    ] = None
    invitation_role: Annotated[
        str,
        says(
            "The global role of people who accept an invitation and have no account. Without it they get "
            "`registration_role`; without both, only people with an account can accept."
        ),
    ] = ""
    token_algorithm: Annotated[
        Literal["HS256"] | Algorithm,
        says("Signs access tokens. With any algorithm but HS256 other services can verify them."),
    ] = "HS256"


class OAuth2(Table, frozen=True):
    """OAuth2 and OpenID Connect. The table, even empty, enables them."""

    pkce: Annotated[
        Literal["all", "public"],
        says(
            "Which clients need PKCE: all but those registered to do without, or only those that can keep no "
            "secret."
        ),
    ] = "all"
    id_token_algorithm: Annotated[Algorithm, says("Signs ID tokens.")] = "RS256"


class KeyFormat(Table, frozen=True):
    """The text of a key: `prefix`, then `length` characters, of which the last `checksum` are a checksum."""

    prefix: Annotated[str, Meta(pattern=PREFIX), says("What each key begins with.")]
    alphabet: Annotated[Literal["base62", "hex"], says("The characters behind the prefix.")]
    length: Annotated[int, Meta(ge=20, le=200), says("How many characters stand behind the prefix.")]
    checksum: Annotated[int, Meta(ge=0), says("How many of them, at the end, are a CRC-32.")]


class ChoiceAttribute(Table, frozen=True, tag_field="kind", tag="choice"):
    """A member of a key that is one of a few words."""

    description: Annotated[Text, says("What the admin's form says about it.")]
    choices: Annotated[tuple[Text, ...], Meta(min_length=1), says("The words.")]
    default: Annotated[Text, says("The word of a key for which nothing else is said.")]


class BooleanAttribute(Table, frozen=True, tag_field="kind", tag="boolean"):
    """A member of a key that is true or false."""

    description: Annotated[Text, says("What the admin's form says about it.")]
    default: Annotated[bool, says("The value of a key for which nothing else is said.")]


Attribute = ChoiceAttribute | BooleanAttribute


class Keys(Table, frozen=True):
    """Where keys are sent, and what they look like in each environment."""

    header: Annotated[
        str, Meta(pattern=HEADER), says("The header that keys come in. Empty: only in `Authorization`.")
    ]
    bearer: Annotated[bool, says("Whether keys may come as `Authorization: Bearer KEY`.")]
    default_environment: Annotated[Name, says("The environment of a key for which no other is named.")]
    shown_characters: Annotated[
        int,
        Meta(ge=0, le=12),
        says("How many characters behind the prefix stay visible, as `key_prefix`."),
    ]
    environments: Annotated[
        dict[Name, KeyFormat], Meta(min_length=1), says("The format of keys in each environment.")
    ]
    basic: Annotated[bool, says("Whether keys may come as the password of `Authorization: Basic`.")] = False
    scopes_required: Annotated[bool, says("A key without scopes is refused.")] = False
    at_own_endpoints: Annotated[
        bool, says("`false`: only the gateway takes keys, and Keyhouse's own endpoints do not.")
    ] = True
    list: Annotated[
        Literal["all", "own"],
        says("`own`: the list shows the caller's own keys, without revoked and expired ones."),
    ] = "all"
    attributes: Annotated[
        dict[Annotated[str, Meta(pattern=MEMBER)], Attribute],
        says("Members of a key that mean something to the product alone. Lists can be filtered by them."),
    ] = {}
    notes: Annotated[bool, says("Whether the API shows and takes `description` and `metadata`.")] = False
    longest_days: Annotated[
        Annotated[int, Meta(ge=1, le=3650)] | None,
        says("Every key expires, at most so many days after it was made. Without it keys may last for ever."),
    ] = None


class Scope(Table, frozen=True):
    """What a credential may do, in the product's words."""

    description: Annotated[Text, says("What the scope allows. The consent page prints it.")]
    implies: Annotated[tuple[str, ...] | Everything, says('Scopes that come with it; `"*"`: all.')] = ()
    capabilities: Annotated[
        tuple[Capability, ...] | Everything,
        says('What the scope opens in Keyhouse itself; `"*"`: everything.'),
    ] = ()


class Role(Table, frozen=True):
    """What a person may do in Keyhouse, and which scopes they hold."""

    description: Annotated[Text, says("What people with the role may do.")]
    level: Annotated[
        Literal["global", "organization"],
        says("A global role counts everywhere, an organization role only inside that organization."),
    ]
    capabilities: Annotated[
        tuple[Capability, ...] | Everything, says('What it opens in Keyhouse; `"*"`: everything.')
    ] = ()
    scopes: Annotated[tuple[str, ...] | Everything, says('The scopes it holds; `"*"`: all.')] = ()


class Wire(Table, frozen=True):
    """The form of requests and answers."""

    case: Annotated[Literal["snake", "camel"], says("How members are spelled.")] = "snake"
    envelope: Annotated[
        str,
        Meta(pattern=r"^[A-Za-z_]{0,64}\Z"),
        says("The member under which every answer stands, such as `data`. Empty: none."),
    ] = ""
    lists: Annotated[
        Literal["page", "array"],
        says(
            "`page`: an object with `results`, `next` and `previous`. `array`: an array, with the next page "
            "in a `Link` header."
        ),
    ] = "page"
    ids: Annotated[
        Literal["uuid", "integer", "prefixed"], says("The form of ids. `prefixed` needs `id_prefixes`.")
    ] = "uuid"
    times: Annotated[
        Literal["utc", "bare"], says("`utc`: 2026-01-31T12:00:00Z. `bare`: without the `Z`.")
    ] = "utc"
    id_prefixes: Annotated[dict[str, IdPrefix], says("What ids begin with, by resource.")] = {}
    names: Annotated[
        dict[str, Member],
        says('Other spellings of members: `"resource.member" = "name"`, or `"member" = "name"` everywhere.'),
    ] = {}
    members: Annotated[
        dict[str, Members], says("The members of an answer, in order, by resource. Others are not shown.")
    ] = {}
    messages: Annotated[
        dict[Literal["logout"], Text], says("What an answer says that has nothing else to say.")
    ] = {}


Method = Annotated[str, Meta(pattern=METHOD)]


class Route(Table, frozen=True):
    """One row of the gateway's table."""

    methods: Annotated[
        tuple[Method, ...], Meta(min_length=1), says("The methods. `HEAD` is allowed wherever `GET` is.")
    ]
    path: Annotated[
        str,
        Meta(pattern=r"^/"),
        says("The path. `{name}` stands for one segment, a last `**` for the place itself and all below it."),
    ]
    credentials: Annotated[
        tuple[CredentialKind, ...],
        Meta(min_length=1),
        says("The kinds of credential that the row takes. `none`, alone, opens it to everybody."),
    ]
    scopes: Annotated[tuple[str, ...], says("Every one of these scopes is needed.")] = ()
    roles: Annotated[tuple[str, ...], says("Any one of these roles is needed.")] = ()
    second_paths: Annotated[
        dict[SecondPathHeader, Method],
        says(
            "Headers that may name another path, each with a method: the caller must be allowed to call that "
            "path with it."
        ),
    ] = {}


class ProfileFile(Table, frozen=True):
    """The whole file."""

    product: Annotated[Product, says("Whose dialect this is.")]
    login: Annotated[Login, says("How people log in.")]
    keys: Annotated[Keys, says("What API keys look like, and where they are sent.")]
    roles: Annotated[dict[Name, Role], says("The roles, by name.")]
    scopes: Annotated[dict[Name, Scope], says("The scopes, by name.")] = {}
    paths: Annotated[Paths, says("Where the resources stand.")] = Paths()
    wire: Annotated[Wire, says("The form of requests and answers.")] = Wire()
    routes: Annotated[tuple[Route, ...], says("The rows of the gateway's table.")] = ()
    oauth2: Annotated[OAuth2 | None, says("Enables OAuth2 and OpenID Connect.")] = None
