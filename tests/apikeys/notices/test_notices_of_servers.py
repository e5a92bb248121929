"""Notices as real processes write and mail them: several at once, each thing once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from tests.accounts.mailbox import listening, plain
from tests.installation import ADMIN, Installation

pytestmark = pytest.mark.slow

KEYS = 600  # more than a batch
SAME = "name, user_id, environment, scopes, attributes, pepper, key_prefix, revoked_reason, allowed_networks"
COPY = """
    WITH RECURSIVE copies(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM copies WHERE number < {count})
    INSERT INTO apikeys_apikey (uuid, digest, created_at, expires_at, last_used_ip, use_count, {same})
    SELECT {uuid}, {digest}, '{made}', '{end}', '', 0, {same} FROM apikeys_apikey, copies
"""
POSTGRESQL = {
    "uuid": "gen_random_uuid()",
    "digest": "decode(md5(random()::text) || md5(random()::text), 'hex')",
}
SQLITE = {"uuid": "lower(hex(randomblob(16)))", "digest": "randomblob(32)"}


def copy_key(installation: Installation, end: datetime) -> None:
    """Make many keys like the one that is there; they expire at `end`."""
    sql = SQLITE if installation.database_url.startswith("sqlite") else POSTGRESQL
    made_text, end_text = (f"{moment:%Y-%m-%d %H:%M:%S}" for moment in (end - timedelta(days=60), end))
    installation.query(COPY.format(count=KEYS, same=SAME, made=made_text, end=end_text, **sql))


def count(installation: Installation, table: str, where: str = "true") -> int:
    ((found,),) = installation.query(f"SELECT count(*) FROM {table} WHERE {where}")
    return int(found)


@pytest.mark.requirement(120)
def test_processes_that_look_at_once_tell_each_key_once(installation: Installation) -> None:
    installation.manage_json("createapikey", "--user", "admin", "--name", "robot")
    copy_key(installation, datetime.now(UTC) + timedelta(days=20))
    with listening() as mailbox, installation.serve("--workers", "2", EMAIL_URL=mailbox.url) as server:
        with ThreadPoolExecutor(2) as pool:
            done = list(pool.map(lambda _: installation.manage("tellowners"), range(2)))
        assert [each.stderr for each in done] == ["", ""]
        mailbox.wait_for(mails=1, to=ADMIN["KEYHOUSE_ADMIN_EMAIL"])
        assert count(installation, "apikeys_keynotice") == KEYS
        assert count(installation, "audit_event", "name = 'api_key:expiring'") == KEYS
        assert plain(mailbox.mails[0]).count("robot of admin expires on") == 50
        assert "Error" not in server.output
    installation.manage("sendmail", EMAIL_URL="consolemail://")
    assert count(installation, "apikeys_keynews") == count(installation, "accounts_mail") == 0
