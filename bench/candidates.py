"""What is measured: who answers, where, and how a caller shows who they are. Knows no Django."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

HOT_CALLERS = 1000  # used in turn
Credentials = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Candidate:
    """One row of the tables. `header` is what a request sends, around the text of a credential of `kind`."""

    name: str
    site: str
    path: str
    kind: str = ""
    header: str = ""
    status: int = 200
    is_peer: bool = False
    is_cold: bool = True
    more_headers: tuple[str, ...] = field(default=(), repr=False)

    def headers(self, text: str) -> list[str]:
        """Return the header lines of a request with this credential."""
        return [*self.more_headers, self.header.format(text)] if self.header else list(self.more_headers)


KEYHOUSE, PROJECT, NGINX, GO = "keyhouse", "project", "nginx", "go"
ORIGINAL = ("X-Original-Method: GET", "X-Original-URI: /services/stock/items")
KEY, BEARER = "X-API-Key: {}", "Authorization: Bearer {}"
CHECK = "/gateway/check"


def _peer(name: str, path: str, kind: str, header: str) -> Candidate:
    return Candidate(name, PROJECT, path, kind, header, is_peer=True)


BARE = Candidate("Django view that does nothing", PROJECT, "/bare", is_cold=False)
DRF = Candidate("DRF view without authentication", PROJECT, "/drf", is_cold=False)
SELECT = Candidate("Django view, one raw indexed SELECT", PROJECT, "/select", "select", KEY)
OWN_SELECT = Candidate("Keyhouse's server: one raw indexed SELECT", KEYHOUSE, "/select", "select", KEY)
OWN_DRF = Candidate("Keyhouse's server: DRF view without authentication", KEYHOUSE, "/open", is_cold=False)
RETURN_200 = Candidate("nginx: return 200", NGINX, CHECK, is_cold=False)
GO_HANDLER = Candidate("Go handler: HMAC and a map", GO, CHECK, "key", KEY, is_cold=False)
API_KEY = _peer("djangorestframework-api-key", "/api-key", "api-key", "Authorization: Api-Key {}")
SIMPLEJWT = _peer("SimpleJWT", "/simplejwt", "simplejwt", BEARER)
PEERS = (
    API_KEY,
    SIMPLEJWT,
    _peer("DRF TokenAuthentication", "/token", "token", "Authorization: Token {}"),
    _peer("django-rest-knox", "/knox", "knox", "Authorization: Token {}"),
    _peer("django-oauth-toolkit", "/oauth", "oauth", BEARER),
)
GATEWAY = Candidate("Keyhouse: GET /gateway/check", KEYHOUSE, CHECK, "key", KEY, more_headers=ORIGINAL)
GATEWAY_LOGIN = Candidate(
    "Keyhouse: GET /gateway/check, login token", KEYHOUSE, CHECK, "login", BEARER, more_headers=ORIGINAL
)
VIEW = Candidate("Keyhouse: DRF view, key and scope", KEYHOUSE, "/bench", "key", KEY)
LOGIN = Candidate("Keyhouse: DRF view, login token and scope", KEYHOUSE, "/bench", "login", BEARER)
MALFORMED = Candidate(
    "Keyhouse: /gateway/check, wrong checksum",
    *(KEYHOUSE, CHECK, "malformed", KEY, 401),
    is_cold=False,
    more_headers=ORIGINAL,
)
UNKNOWN = Candidate(
    "Keyhouse: /gateway/check, unknown key", KEYHOUSE, CHECK, "unknown", KEY, 401, more_headers=ORIGINAL
)
IN_DJANGO = (
    *(DRF, BARE, SELECT, *PEERS),
    *(OWN_SELECT, OWN_DRF, GATEWAY, GATEWAY_LOGIN, VIEW, LOGIN, MALFORMED, UNKNOWN),
)
ALL = (RETURN_200, GO_HANDLER, *IN_DJANGO)
GROWING = (SELECT, GATEWAY, VIEW)


class Supply:
    """Hands out credentials: the hot ones in turn, and each of the others once."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._taken: dict[str, int] = defaultdict(lambda: HOT_CALLERS)

    def hot(self, kind: str) -> Sequence[str]:
        """The credentials that are used in turn; without a kind, a nothing."""
        return self._credentials[kind][:HOT_CALLERS] if kind else [""]

    def cold(self, kind: str, count: int) -> Sequence[str]:
        """Return `count` credentials that nobody has used. Raises IndexError when they are used up."""
        start = self._taken[kind]
        self._taken[kind] += count
        found = self._credentials[kind][start : start + count]
        if len(found) < count:
            raise IndexError(f"only {len(found)} unused credentials of kind {kind} are left")
        return found
