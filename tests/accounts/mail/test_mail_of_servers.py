"""Mails as real servers send them: in the background, from several worker processes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.accounts.mailbox import Mailbox, listening, plain, token_in
from tests.installation import ADMIN, HASHES_WHOLE, Answer, Installation, Server, free_port

pytestmark = pytest.mark.slow

ADDRESS = ADMIN["KEYHOUSE_ADMIN_EMAIL"]


@pytest.fixture(scope="module")
def mailbox() -> Iterator[Mailbox]:
    with listening() as box:
        yield box


@pytest.fixture(scope="module")
def servers(module_installation: Installation, mailbox: Mailbox) -> Iterator[list[Server]]:
    """Two servers behind one public address."""
    module_installation.settings |= {
        "EMAIL_URL": mailbox.url,
        "KEYHOUSE_PUBLIC_URL": "https://keys.example.org",
        "KEYHOUSE_MAIL_FROM": "robot@keys.example.org",
        **HASHES_WHOLE,
    }
    one = ("--workers", "1")
    with module_installation.serve(*one) as first, module_installation.serve(*one) as second:
        yield [first, second]


def forget(server: Server, email: str = ADDRESS, headers: dict[str, str] | None = None) -> Answer:
    return server.request("POST", "/api/v1/auth/forgot-password", body={"email": email}, headers=headers)


def test_a_running_server_sends_mail_by_itself_and_once(installation: Installation) -> None:
    with listening() as mailbox:
        mail = {"EMAIL_URL": mailbox.url}
        often = {"KEYHOUSE_LIMITS": "forgot_password.here=100, forgot_password.account=100"}
        with installation.serve("--workers", "3", **mail, **often) as server:
            for number in range(12):
                assert forget(server).status == 200, number
            mailbox.wait_for(mails=12)
            done = installation.manage(
                "changepassword", "admin", "--password-stdin", stdin="a harbour at night\n"
            )
            assert done.returncode == 0
            mailbox.wait_for(mails=13)
        assert installation.query("SELECT * FROM accounts_mail") == []
        assert len(mailbox.mails) == 13


@pytest.mark.once
@pytest.mark.requirement(40)
def test_a_server_whose_mail_server_is_down_answers_the_same_and_mails_later(
    installation: Installation,
) -> None:
    down = {"EMAIL_URL": f"smtp://127.0.0.1:{free_port()}"}
    with installation.serve(**down) as server:
        known, unknown = forget(server), forget(server, "nobody@example.org")
        assert (known.status, known.body) == (unknown.status, unknown.body)
        assert known.status == 200
        assert server.request("GET", "/ready").status == 200
    with listening() as mailbox:
        mail = {"EMAIL_URL": mailbox.url}
        with installation.serve(**mail):
            mailbox.wait_for(mails=1)
    assert [each["To"] for each in mailbox.mails] == [ADDRESS]


@pytest.mark.requirement(42)
def test_of_two_servers_that_get_one_token_at_once_one_takes_it(
    servers: list[Server], mailbox: Mailbox
) -> None:
    token = new_token(servers[0], mailbox)

    def reset(number: int) -> int:
        body = {"token": token, "new_password": f"a harbour full of {number} boats"}
        return servers[number % 2].request("POST", "/api/v1/auth/reset-password", body=body).status

    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(reset, range(4)))  # each is a whole hash
    assert statuses == [200, *[400] * 3]
    mailbox.wait_for(mails=2)  # the other says that the password was changed


@pytest.mark.once
@pytest.mark.requirement(43)
def test_the_link_of_a_real_server_leads_to_its_configured_address(
    servers: list[Server], mailbox: Mailbox
) -> None:
    forged = {"X-Forwarded-Host": "evil.example", "Host": "127.0.0.1"}
    token = new_token(servers[0], mailbox, headers=forged)
    assert servers[0].request("GET", f"/reset-password?token={token}").status == 200
    assert "\nhttps://keys.example.org/reset-password?token=" in plain(mailbox.mails[-1])
    assert mailbox.mails[-1]["From"] == "Keyhouse <robot@keys.example.org>"
    assert token not in servers[0].output + servers[1].output


def new_token(server: Server, mailbox: Mailbox, headers: dict[str, str] | None = None) -> str:
    """The token of the mail that this server is asked for."""
    with mailbox.changed:
        mailbox.mails.clear()
    assert forget(server, headers=headers).status == 200
    return token_in(mailbox.wait_for(mails=1)[0])
