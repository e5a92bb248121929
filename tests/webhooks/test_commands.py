"""The commands about webhooks, and the receiver of the documentation."""

import json
import os
import sys
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.config.outgoing.receiver import Receiver
from tests.conftest import Cast
from tests.installation import PROJECT, free_port, serving
from tests.webhooks.helpers import happen, ids, new_webhook, send

pytestmark = pytest.mark.once


def printed(capsys: pytest.CaptureFixture[str], *command: str) -> Any:
    call_command(*command, "--json")
    return json.loads(capsys.readouterr().out)


def test_a_replay_counts_the_events_and_sends_them_again(
    cast: Cast, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    row = new_webhook(cast.alice, receiver, cast.acme, "api_key.revoked").row
    events = [happen(cast.acme) for _ in range(3)]
    send()
    (listed,) = printed(capsys, "listwebhooks")
    assert (listed["id"], listed["host"], listed["organization"]) == (str(row.uuid), "localhost", "Acme")
    span = ("--first", str(listed["cursor"] - 1))
    asked = printed(capsys, "replaywebhooks", str(row.uuid), *span, "--dry-run")
    assert (asked["events"], send()) == (2, 0)
    assert printed(capsys, "replaywebhooks", str(row.uuid), *span)["events"] == 2
    send()
    assert ids(receiver) == [*events, *events[1:]]


def test_what_is_wrong_with_a_replay_is_said_in_one_line(cast: Cast, receiver: Receiver) -> None:
    row = new_webhook(cast.alice, receiver, cast.acme).row
    with pytest.raises(CommandError, match="is not the id of a webhook"):
        call_command("replaywebhooks", "x", "--first", "1")
    with pytest.raises(CommandError, match="must be at least 1"):
        call_command("replaywebhooks", str(row.uuid), "--first", "0")


def test_the_receiver_of_the_documentation_takes_good_signatures_only(cast: Cast) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    good, other = (new_webhook(cast.alice, url, cast.acme, "api_key.revoked") for _ in range(2))
    command = [sys.executable, str(PROJECT / "docs/clients/receiver.py"), str(port)]
    settings = {**os.environ, "WEBHOOK_SECRET": good.secret or ""}
    with serving(command, port, settings, awaited="Listening") as server:
        event = happen(cast.acme)
        send()
    assert event in server.output
    assert [each.status for each in good.row.deliveries.all()] == [204]
    assert [each.status for each in other.row.deliveries.all()] == [401]
