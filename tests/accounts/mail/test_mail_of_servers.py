"""Mails as real servers send them: in the background, from several worker processes."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.accounts.mailbox import listening, plain, token_in
from tests.installation import ADMIN, Answer, Installation, Server, free_port

pytestmark = pytest.mark.slow

ADDRESS = ADMIN["KEYHOUSE_ADMIN_EMAIL"]


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
        assert installation.manage_json("sendmail") == {"sent": 0, "failed": 0, "waiting": 0}
        assert len(mailbox.mails) == 13


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
def test_of_two_servers_that_get_one_token_at_once_one_takes_it(installation: Installation) -> None:
    with listening() as mailbox:
        mail = {"EMAIL_URL": mailbox.url}
        with installation.serve(**mail) as first, installation.serve(**mail) as second:
            assert forget(first).status == 200
            mailbox.wait_for(mails=1)
            token = token_in(mailbox.mails[0])

            def reset(number: int) -> int:
                body = {"token": token, "new_password": f"a harbour full of {number} boats"}
                server = (first, second)[number % 2]
                return server.request("POST", "/api/v1/auth/reset-password", body=body).status

            with ThreadPoolExecutor(8) as pool:
                statuses = sorted(pool.map(reset, range(8)))
    assert statuses == [200, *[400] * 7]


@pytest.mark.requirement(43)
def test_the_link_of_a_real_server_leads_to_its_configured_address(installation: Installation) -> None:
    with listening() as mailbox:
        settings = {
            "EMAIL_URL": mailbox.url,
            "KEYHOUSE_PUBLIC_URL": "https://keys.example.org",
            "KEYHOUSE_MAIL_FROM": "robot@keys.example.org",
        }
        forged = {"X-Forwarded-Host": "evil.example", "Host": "127.0.0.1"}
        with installation.serve(**settings) as server:
            assert forget(server, headers=forged).status == 200
            mailbox.wait_for(mails=1)
            assert server.request("GET", f"/reset-password?token={token_in(mailbox.mails[0])}").status == 200
        assert "\nhttps://keys.example.org/reset-password?token=" in plain(mailbox.mails[0])
        assert mailbox.mails[0]["From"] == "Keyhouse <robot@keys.example.org>"
        assert token_in(mailbox.mails[0]) not in server.output
