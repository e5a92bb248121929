"""What people and programs have in hand works after the move from SQLite to PostgreSQL."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.accounts.mailbox import listening
from tests.commands.moving import lived
from tests.commands.moving.lived import Life, bearer, gateway, post, serving
from tests.commands.moving.stored import Rows, rows_in_postgresql, rows_in_sqlite
from tests.installation import SQLITE_FILE, Installation, Server, free_port, fresh_database

pytestmark = [
    pytest.mark.skipif(os.environ.get("KEYHOUSE_TEST_VENDOR") != "postgresql", reason="about PostgreSQL"),
    pytest.mark.slow,
]

NEW_PASSWORD = "another walk to the lighthouse"
LEFT_OUT = {
    *{"django_migrations", "django_content_type", "auth_permission"},  # made by migrations
    *{"auth_group", "auth_group_permissions", "django_admin_log"},  # unused
}


class Move:
    """An installation before and after the move, and what was in use in it."""

    def __init__(self, before: Installation, after: Installation) -> None:
        self.before, self.after = before, after
        address = f"127.0.0.1:{free_port()}"
        before.settings["KEYHOUSE_BIND"] = after.settings["KEYHOUSE_BIND"] = address
        with listening() as mailbox:
            self.life: Life = lived.live(before, mailbox)
        self.old_rows: Rows = rows_in_sqlite(before.folder / SQLITE_FILE)
        self.head = before.manage_json("auditverify")
        self.done: Any = after.manage_json("copydatabase", "--from", str(before.folder / SQLITE_FILE))
        self.new_rows: Rows = rows_in_postgresql(after.database_url)


@pytest.fixture(scope="module")
def move(first_sqlite: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Move]:
    folder = tmp_path_factory.mktemp("moved")
    shutil.copytree(first_sqlite.folder, folder, dirs_exist_ok=True)
    with fresh_database(folder) as url:
        yield Move(Installation(folder, f"sqlite:///{folder / SQLITE_FILE}"), Installation(folder, url))


@pytest.fixture(scope="module")
def server(move: Move) -> Iterator[Server]:
    with serving(move.after, KEYHOUSE_LEASE_MS="0", EMAIL_URL="dummymail://") as running:
        yield running


@pytest.fixture
def life(move: Move) -> Life:
    return move.life


def test_every_row_is_there_as_it_was(move: Move) -> None:
    assert move.old_rows.keys() == move.new_rows.keys()
    copied = move.old_rows.keys() - LEFT_OUT
    for table in copied:
        assert move.new_rows[table] == move.old_rows[table], table
    assert move.done["rows"] == {table: len(move.old_rows[table]) for table in copied}


def test_it_had_rows_of_every_kind_that_people_and_programs_depend_on(move: Move) -> None:
    empty = {table for table, rows in move.old_rows.items() if not rows} - LEFT_OUT
    assert empty == {
        "accounts_devicecode",  # live for ten minutes
        "accounts_emailchange",
        "accounts_emailundo",
        "accounts_invitation",  # withdrawn
        "accounts_mail",  # sent
        "accounts_passkey",  # need a browser to be made
        "accounts_spentchallenge",
        "accounts_recoverylink",
        "accounts_registration",
        "accounts_secondfactorrecovery",
        "apikeys_importedhash",  # nothing was imported
        "audit_sink",  # the log was sent nowhere
        "apikeys_keynews",  # nothing was due
        "apikeys_keynotice",
        "apikeys_usereport",  # no service reports
        *(
            "federation_provider",
            "federation_domain",
            "federation_rolerule",
        ),  # no organization has a provider
        *("federation_identity", "federation_standing", "federation_grant", "federation_logout"),
        "leaks_githubkeys",  # GitHub has reported nothing
        "leaks_leakreport",
        "oauth2_provider_devicegrant",
        "oauth2_provider_idtoken",
        "webhooks_delivery",  # nobody has set up a webhook
        "webhooks_webhook",
    }


def test_the_audit_log_ends_with_the_same_event_and_is_unbroken(move: Move) -> None:
    assert move.head["valid"] and move.head["events"] > 10
    assert move.done["head"] == move.head["head"]
    last = max(row["sequence"] for row in move.new_rows["audit_event"])
    assert last == move.head["events"]


def test_the_log_is_still_append_only(move: Move) -> None:
    with pytest.raises(Exception, match="cannot be changed or deleted"):
        move.after.query("DELETE FROM audit_event")
    with pytest.raises(Exception, match="cannot be moved back"):
        move.after.query("UPDATE audit_chainhead SET sequence = 0")


def test_keys_are_as_good_as_before(server: Server, life: Life) -> None:
    row = server.request(
        "GET", f"/api/v1/api-keys/{life.keys['used']['id']}", headers=bearer(life.session)
    ).json()
    assert (row["use_count"], row["rate_limit"], row["status"]) == (1, lived.LIMIT, "active")
    assert {name: row[name] for name in lived.NOTES} == lived.NOTES
    quota = server.request("GET", f"/api/v1/api-keys/{row['id']}/quota", headers=bearer(life.session)).json()
    assert (quota["total"]["most"], quota["total"]["used"]) == (lived.QUOTA, 1)
    answers = {name: gateway(server, key["key"]) for name, key in life.keys.items()}
    assert answers == {"used": 200, "revoked": 401, "disabled": 401, "rotated": 200}
    assert gateway(server, life.imported) == 200


def test_a_creation_from_before_the_move_can_be_repeated(server: Server, life: Life) -> None:
    again = lived.make_key(server, life.session, "used")
    assert (again["id"], again["key"]) == (life.keys["used"]["id"], None)


def test_a_session_goes_on_and_an_ended_one_stays_ended(server: Server, life: Life) -> None:
    refreshed = post(server, "auth/refresh", {"refresh_token": life.session["refresh_token"]})
    assert refreshed.status == 200, refreshed.body
    life.session = refreshed.json()
    assert server.request("GET", "/api/v1/auth/me", headers=bearer(life.session)).json()["username"] == "dora"
    assert server.request("GET", "/api/v1/auth/me", headers=bearer(life.ended_session)).status == 401
    ended = post(server, "auth/refresh", {"refresh_token": life.ended_session["refresh_token"]})
    assert ended.status == 401


def test_a_second_factor_is_needed_and_its_codes_work_once(server: Server, life: Life) -> None:
    who = {"username": "dora", "password": lived.PASSWORD}
    assert post(server, "auth/login", who).json()["code"] == "totp_required"
    for code in (life.app.code(), life.app.recovery_codes.pop()):
        assert post(server, "auth/login", who | {"totp_code": code}).status == 200
        assert post(server, "auth/login", who | {"totp_code": code}).status == 401
    assert post(server, "auth/login", who | {"totp_code": life.spent_recovery_code}).status == 401


def test_a_consent_goes_on_until_it_is_withdrawn(server: Server, life: Life) -> None:
    client = life.client
    assert gateway(server, client.tokens["access_token"]) == 200
    answer = client.ask(server, grant_type="refresh_token", refresh_token=client.tokens["refresh_token"])
    assert answer.status == 200, answer.body
    newer = answer.json()
    assert gateway(server, newer["access_token"]) == 200
    again = client.ask(server, grant_type="refresh_token", refresh_token=client.tokens["refresh_token"])
    assert again.json()["error"] == "invalid_grant"
    assert gateway(server, newer["access_token"]) == 401  # a token that comes twice ends the consent


def test_a_mailed_link_works_once(server: Server, life: Life) -> None:
    sent = {"token": life.mailed, "new_password": NEW_PASSWORD}
    assert post(server, "auth/reset-password", sent).status == 200
    assert post(server, "auth/reset-password", sent).status == 400
    assert post(server, "auth/login", {"username": "admin", "password": NEW_PASSWORD}).status == 200


def test_new_rows_get_numbers_that_no_row_ever_had(server: Server, move: Move, life: Life) -> None:
    used = {row["id"] for row in move.old_rows["apikeys_apikey"]}
    made = lived.make_key(server, life.session, "new")
    assert gateway(server, made["key"]) == 200
    newest = move.after.query("SELECT max(id) FROM apikeys_apikey")[0][0]
    assert newest == max(used) + 1
    assert move.old_rows["accounts_invitation"] == []
    assert move.after.query("SELECT nextval(pg_get_serial_sequence('accounts_invitation', 'id'))") == [(2,)]


def test_the_log_goes_on_and_stays_unbroken(server: Server, move: Move, life: Life) -> None:
    lived.make_key(server, life.session, "another")
    found = move.after.manage_json("auditverify")
    assert found["valid"] and found["events"] > move.head["events"]


def test_a_start_finds_nothing_to_do(move: Move) -> None:
    assert move.after.manage_json("setup") == {"admin": None}


def test_what_moved_does_not_move_again(move: Move) -> None:
    done = move.after.manage("copydatabase", "--from", str(move.before.folder / SQLITE_FILE))
    assert done.stderr.startswith("CommandError: DATABASE_URL: the database is in use: ")
