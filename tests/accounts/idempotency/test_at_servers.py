"""Clients with an Idempotency-Key at real servers of several processes."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.accounts.idempotency.creating import KEY
from tests.installation import Answer, Installation, log_in_as_admin

CLIENTS = 8


@pytest.mark.requirement(119)
@pytest.mark.slow
def test_of_clients_at_two_servers_one_gets_the_text_of_the_one_key(installation: Installation) -> None:
    with ExitStack() as stack:
        servers = [stack.enter_context(installation.serve("--workers", "2")) for _ in range(2)]
        headers = log_in_as_admin(servers[0]) | {"Idempotency-Key": KEY}

        def create(number: int) -> Answer:
            server = servers[number % len(servers)]
            return server.request("POST", "/api/v1/api-keys", body={"name": "CI"}, headers=headers)

        with ThreadPoolExecutor(CLIENTS) as pool:
            answers = list(pool.map(create, range(CLIENTS)))
        answers.append(create(0))
        created = [answer.json() for answer in answers if answer.status == 201]
        assert {answer.status for answer in answers} <= {201, 409}, answers
        assert len({key["id"] for key in created}) == 1
        assert len([key for key in created if key["key"]]) == 1
        assert answers[-1].headers["idempotent-replayed"] == "true"
