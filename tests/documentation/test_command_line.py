"""The page about the command line: a served Keyhouse, its commands, and a person at /device."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import secret_service
from tests.documentation.terminals import Block, Step, Terminal, blocks_of, opened, page
from tests.gateway.proxies.running import PLACES
from tests.installation import ADMIN, free_port
from tests.oauth.visitor import allow_device

pytestmark = [pytest.mark.once, pytest.mark.slow]

ADDRESS = "https://keys.example.org"
# In place of a service behind a proxy: what the proxy asks about a request to it.
CHECK = (
    '{}/gateway/check -H "X-Original-Method: GET" -H "X-Original-URI: /services/stock/items" '
    "-s -o /dev/null -w '%{{http_code}}\\n'"
)
CODE = re.compile(r"Type this code there: ([B-Z]{4}-[B-Z]{4})")


class Desk:
    """A terminal of a person whose Keyhouse is at `url`, and the commands that the page has for them."""

    def __init__(self, terminal: Terminal, url: str) -> None:
        self.terminal, self.url = terminal, url
        text = page("docs/how-to/command-line.md").replace(ADDRESS, url).replace("WDJB-MJHT", "…")
        text = text.replace("https://api.example.org/services", CHECK.format(url))
        blocks = blocks_of(text.replace("--client-id …", "--client-id $client"))
        self.registration, self.login, self.use, self.logout, _, self.with_file = blocks

    def registers(self) -> None:
        """Register the client, as an admin."""
        self.follows(self.registration)
        [client] = (line for line in self.terminal.printed if line.startswith("client_id: "))
        self.types(f"client={client.removeprefix('client_id: ')}")
        self.types('keyhouse() { ./run manage "$@"; }')  # as the page says of a clone

    def follows(self, block: Block) -> None:
        for step in block.steps:
            self.terminal.run(step)

    def types(self, command: str, *shown: str) -> None:
        self.terminal.run(Step(command, [*shown]))

    def logs_in(self, step: Step) -> None:
        """Type the command, and allow it in a browser meanwhile."""
        asked = ["Open …/device", "Type this code there: …"]
        self.terminal.start(Step(step.command, step.shown[:2] or asked))
        [code] = CODE.findall(self.terminal.printed[-1])
        identifier, password = ADMIN["KEYHOUSE_ADMIN_USERNAME"], ADMIN["KEYHOUSE_ADMIN_PASSWORD"]
        allow_device(self.url, code, identifier=identifier, password=password)
        self.terminal.finish(Step(step.command, step.shown[2:] or [f"You are logged in at {self.url}."]))


@pytest.fixture
def variables(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The surroundings of the person's commands: with a keyring if the test is about one."""
    if "keyring" not in request.node.name:
        yield {"HOME": str(tmp_path)}
        return
    with secret_service.running(tmp_path / "desktop") as desktop:
        yield desktop


@pytest.fixture
def desk(tree: Path, variables: dict[str, str]) -> Iterator[Desk]:
    bind = f"127.0.0.1:{free_port()}"
    environment = {"PATH": PLACES, "KEYHOUSE_BIND": bind, **variables}
    with opened(tree, {**environment, **ADMIN}) as server, opened(tree, environment) as terminal:
        server.start(Step("./run", ["try: …"]))
        yield Desk(terminal, f"http://{bind}")


def test_tokens_are_in_the_keyring_of_the_desktop_until_the_person_logs_out(desk: Desk) -> None:
    desk.registers()
    desk.logs_in(desk.login.steps[0])
    desk.types(f"keyring get keyhouse {desk.url}", '{"url":"…oat_…ort_…}')
    desk.types(desk.use.steps[0].command, "200")
    desk.types(f"old=$(keyhouse token {desk.url})")
    desk.follows(desk.logout)
    desk.types(f'curl -H "Authorization: Bearer $old" {CHECK.format(desk.url)}', "401")
    desk.types(f"! keyhouse token {desk.url}", "…you are not logged in at …")
    desk.types(f"! keyring get keyhouse {desk.url}")


def test_tokens_are_in_the_file_that_was_named_until_the_person_logs_out(desk: Desk) -> None:
    desk.registers()
    login, token, logout = desk.with_file.steps
    desk.types(f"! {desk.login.steps[0].command}", "…this system has no keyring. …--token-file…")
    desk.logs_in(login)
    desk.types("stat -c %a ~/.keyhouse-token", "600")
    desk.types(f"token=$({token.command})")
    asked = f'curl -H "Authorization: Bearer $token" {CHECK.format(desk.url)}'
    desk.types(asked, "200")
    desk.types(logout.command, f"You are logged out at {desk.url}.")
    desk.types(asked, "401")
    desk.types("! ls ~/.keyhouse-token")
