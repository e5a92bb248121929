"""Another secret for a client: what it ends."""

import pytest

from access.principals import Caller
from oauth.services.clients import replace_secret
from tests.accounts.helpers import rows_are_locked, waiting
from tests.conftest import Cast
from tests.oauth.flow import Flow, gateway, machine_token, make_client, post


def test_another_secret_ends_the_tokens_of_a_machine_and_no_consent(cast: Cast, operator: Caller) -> None:
    machine = make_client("services:read", owner=cast.acme)
    flow = Flow(make_client("services:read"), cast.bob)
    token, consented = machine_token(machine)["access_token"], flow.tokens()["access_token"]
    assert (gateway(token), gateway(consented)) == (200, 200)
    for client in (machine, flow.client):
        replace_secret(caller=operator, client=client.row)
    assert (gateway(token), gateway(consented)) == (401, 200)


@rows_are_locked
@pytest.mark.django_db(transaction=True)
def test_the_secret_that_is_replaced_at_this_moment_gets_no_token(cast: Cast, operator: Caller) -> None:
    machine = make_client("services:read", owner=cast.acme)
    ask = lambda: post("token", machine, grant_type="client_credentials")  # noqa: E731
    other = lambda: replace_secret(caller=operator, client=machine.row)  # noqa: E731
    with waiting(ask, holding=other) as asking:
        pass
    assert (asking.result().status_code, asking.result().json()["error"]) == (401, "invalid_client")
