"""auditverify exits with 0 for a whole chain, and with 1 and the fault for a broken one."""

import json

import pytest
from django.db.utils import ConnectionHandler

from audit import triggers
from config.database.settings import database_config
from tests.installation import Installation

pytestmark = pytest.mark.django_db  # for connections of this process, to whichever database


def tamper(installation: Installation, statement: str) -> None:
    """Change the log as the owner of the database could."""
    config = database_config(installation.database_url, installation.folder)
    connection = ConnectionHandler({"default": config})["default"]
    triggers.drop(connection)
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


@pytest.mark.once
def test_an_unbroken_chain_is_counted(installation: Installation) -> None:
    document = installation.manage_json("auditverify")
    assert (document["valid"], document["faults"]) == (True, [])
    assert document["events"] == 3
    assert len(document["head"]) == 64
    assert installation.manage("auditverify").stdout == f"3 events, unbroken. Head: {document['head']}\n"


@pytest.mark.requirement(83)
def test_tampering_is_named_and_fails_the_command(installation: Installation) -> None:
    tamper(installation, "UPDATE audit_event SET actor_label = 'somebody else' WHERE sequence = 2")
    done = installation.manage("auditverify", "--json")
    assert done.returncode == 1
    assert done.stderr == "CommandError: event 2 was changed\n"
    document = json.loads(done.stdout)
    assert (document["valid"], document["faults"]) == (False, ["event 2 was changed"])
    tamper(installation, "DELETE FROM audit_event WHERE sequence = 2")
    assert "events 2 to 2 are missing" in installation.manage("auditverify").stderr


@pytest.mark.once
def test_a_log_that_was_emptied_is_named(installation: Installation) -> None:
    tamper(installation, "DELETE FROM audit_event")
    done = installation.manage("auditverify")
    assert done.returncode == 1
    assert done.stderr == "CommandError: the chain ends at event 0, but event 3 was written\n"
