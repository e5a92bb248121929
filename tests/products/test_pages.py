"""Every request that a product's page prints, against a server that serves its profile."""

import pytest

from tests.accounts.mailbox import listening
from tests.installation import Installation
from tests.products.exchanges import PAGES, Page, fill, play

pytestmark = [pytest.mark.once, pytest.mark.slow]


@pytest.mark.parametrize("name", sorted(path.stem for path in PAGES.glob("*.toml")))
def test_every_request_of_the_page_works_as_printed(name: str, migrated_installation: Installation) -> None:
    page = Page.read(name)
    migrated_installation.settings["KEYHOUSE_PROFILE"] = name
    saved: dict[str, str] = {}
    for command in page.commands:
        arguments = [fill(argument, saved) for argument in command["run"]]
        document = migrated_installation.manage_json(*arguments, stdin=command.get("stdin", ""))
        saved |= {key: str(document[member]) for key, member in command.get("save", {}).items()}
    one = ("--workers", "1")
    with listening() as mailbox, migrated_installation.serve(*one, EMAIL_URL=mailbox.url) as server:
        for exchange in page.exchanges:
            play(page, exchange, server, saved, mailbox)
