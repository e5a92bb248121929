"""The schema of a profile file. The loader decodes files into these types, and refuses anything else."""

from typing import Annotated, Literal

from msgspec import Meta

from config.profiles.capabilities import Capability
from config.profiles.keys import Keys, Leaks
from config.profiles.login import Login, OAuth2
from config.profiles.members import Everything, Name, Table, Text, says
from config.profiles.notices import Notices
from config.profiles.rotation import Rotation

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

BASE_PATH = r"^(/[a-z0-9._-]+)*\Z"
PATH = r"^[a-z0-9._-]+(/[a-z0-9._-]+)*\Z"
METHOD = r"^[A-Z]+\Z"


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
    notices: Annotated[Notices, says("What the owners of API keys are told by mail.")] = Notices()
    leaks: Annotated[Leaks | None, says("Takes reports of leaked keys.")] = None
    rotation: Annotated[Rotation, says("How the rotation of an API key can finish by itself.")] = Rotation()
