"""Keyhouse as two server processes with one database, and npm's oidc-provider of its organization Acme.

People come to the first server. The administrator works at the second, in the console. The provider is at
localhost, and Keyhouse at 127.0.0.1: for browsers these are two sites.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import requests

from tests.federation.real import ALICE, CLIENT, RealProvider, running
from tests.installation import ADMIN, Installation, Server, free_port
from tests.oauth.visitor import HIDDEN, submit

ENTRY = "/account/login/organization"
ORGANIZATION = re.compile("/account/organizations/[0-9a-f-]{36}")
GRANT = re.compile('name="grant" value="([^"]+)"')
REFUSED = re.compile('role="alert">(.*?)</', re.DOTALL)
SIX_MINUTES = timedelta(minutes=6)
LIMITS = "login.address=10000,login.account=10000,login.here=10000,provider_login.address=10000"


@dataclass
class Administrator:
    """The administrator of the installation, logged in to the console of a server."""

    origin: str
    browser: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        name, password = ADMIN["KEYHOUSE_ADMIN_USERNAME"], ADMIN["KEYHOUSE_ADMIN_PASSWORD"]
        self.send("/account/login", identifier=name, password=password)

    def send(self, path: str, **values: str) -> requests.Response:
        """Fill in the form of a page; return the page that follows."""
        page = self.browser.get(self.origin + path, headers={"Accept": "text/html"})
        token = HIDDEN.search(page.text)
        assert token is not None, page.text
        sent = {"csrfmiddlewaretoken": token[1], **values}
        answer = self.browser.post(self.origin + path, sent, headers={"Accept": "text/html"})
        assert answer.status_code == 200 and not REFUSED.search(answer.text), answer.text
        return answer


@dataclass
class Site:
    """The servers, the provider, and the administrator, who has set Acme up."""

    installation: Installation
    server: Server
    provider: RealProvider
    administrator: Administrator
    acme: str = ""  # the path of its pages

    def set_up(self) -> None:
        """Create Acme, whose provider gives everybody in the group staff a role."""
        made = self.administrator.send("/account/organizations/new", name="Acme")
        [self.acme] = ORGANIZATION.findall(made.url)
        self.set_secret(CLIENT["client_secret"])
        page = self.change("/provider/domains/new", domain="acme.example")
        self.change("/provider", grant=GRANT.findall(page.text)[0])
        self.change("/provider/rules/new", value="staff", role="developer")

    def change(self, page: str, **values: str) -> requests.Response:
        """Fill in the form of a page of Acme, at the second server."""
        return self.administrator.send(self.acme + page, **values)

    def set_secret(self, secret: str) -> None:
        """Set the provider with this secret of the client."""
        known = {"issuer": self.provider.issuer, "client_id": CLIENT["client_id"], "algorithm": "RS256"}
        self.change("/provider/edit", secret=secret, role_claim="groups", **known)

    @property
    def origin(self) -> str:
        """Where people find Keyhouse."""
        return f"http://127.0.0.1:{self.server.port}"

    def let_time_pass(self, *, asked: timedelta = SIX_MINUTES, answered: timedelta = SIX_MINUTES) -> None:
        """Let every login have been used six minutes ago, and the provider asked, and answered, then."""
        self.installation.query(f"UPDATE accounts_session SET last_seen_at = '{at(SIX_MINUTES)}'")
        self.installation.query(
            f"UPDATE federation_grant SET asked_at = '{at(asked)}', answered_at = '{at(answered)}'"
        )

    def ends(self) -> list[str]:
        """Why sessions have ended, by the audit log."""
        rows = self.installation.query(
            "SELECT detail FROM audit_event WHERE name = 'session:ended' ORDER BY sequence"
        )
        return [str(detail) for (detail,) in rows]


def at(ago: timedelta) -> str:
    """A time before now, as both databases read it."""
    return f"{datetime.now(UTC) - ago:%Y-%m-%d %H:%M:%S}"


@dataclass
class Person:
    """Somebody with a browser, at Keyhouse and at the provider."""

    site: Site
    browser: requests.Session = field(default_factory=requests.Session)

    def logs_in(self, who: str = "alice") -> requests.Response:
        """The page that Keyhouse shows after the way through the provider."""
        entry = self.browser.get(self.site.origin + ENTRY, headers={"Accept": "text/html"})
        page = submit(self.browser, entry, {"email": "somebody@acme.example"})
        if "/interaction/" not in page.url:  # the provider still knows them
            return page
        return self.browser.get(page.url, params={"login": who}, headers={"Accept": "text/html"})

    def is_logged_in(self) -> bool:
        """Whether Keyhouse shows them a page of the console."""
        page = f"{self.site.origin}/account/sessions"
        return self.browser.get(page, allow_redirects=False).status_code == 200

    def logs_out_there(self) -> None:
        """End the session at the provider."""
        page = self.browser.get(f"{self.site.provider.issuer}/session/end")
        token = re.findall('name="xsrf" value="([^"]+)"', page.text)
        answer = self.browser.post(f"{page.url}/confirm", {"xsrf": token, "logout": "yes"})
        assert answer.status_code == 200, answer.text


@contextmanager
def serving(installation: Installation) -> Iterator[Site]:
    """Run the servers and the provider, which knows alice."""
    bind = f"127.0.0.1:{free_port()}"
    home = f"http://{bind}"
    installation.settings |= {
        "KEYHOUSE_BIND": bind,
        "KEYHOUSE_PROVIDER_NETWORKS": "127.0.0.0/8,::1/128",
        "KEYHOUSE_ADMIN_SECOND_FACTOR": "false",
        "KEYHOUSE_LIMITS": LIMITS,
        "EMAIL_URL": "dummymail://",
    }
    registered = {
        "redirect_uris": [f"{home}{ENTRY}/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "backchannel_logout_uri": f"{home}{ENTRY}/logout",
        "backchannel_logout_session_required": True,
    }
    with (
        running("localhost", **registered) as provider,
        installation.serve("--bind", bind, "--workers", "1") as server,
        installation.serve("--workers", "1") as office,
    ):
        server.port = int(bind.rpartition(":")[2])
        site = Site(installation, server, provider, Administrator(f"http://127.0.0.1:{office.port}"))
        site.set_up()
        provider.knows(alice=ALICE)
        yield site
