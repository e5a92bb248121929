"""Every request that a product's page prints, against a server that serves its profile."""

import pytest

from tests.accounts.mailbox import listening
from tests.installation import Installation
from tests.products.exchanges import PAGES, Page, fill, play

pytestmark = [pytest.mark.once, pytest.mark.slow]


@pytest.mark.parametrize("name", sorted(path.stem for path in PAGES.glob("*.toml")))
def test_every_request_of_the_page_works_as_printed(name: str, bare_installation: Installation) -> None:
    page = Page.read(name)
    bare_installation.settings["KEYHOUSE_PROFILE"] = name
    assert bare_installation.manage("migrate", "--verbosity=0").returncode == 0
    saved: dict[str, str] = {}
    for command in page.commands:
        arguments = [fill(argument, saved) for argument in command["run"]]
        document = bare_installation.manage_json(*arguments, stdin=command.get("stdin", ""))
        saved |= {key: str(document[member]) for key, member in command.get("save", {}).items()}
    with listening() as mailbox, bare_installation.serve(EMAIL_URL=mailbox.url) as server:
        for exchange in page.exchanges:
            play(page, exchange, server, saved, mailbox)
