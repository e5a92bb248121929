"""Which sinks an installation has, by its settings."""

import pytest
from pytest_django.fixtures import Settings

from accounts.audit_sinks import outlets
from config.checks import check_checkpoints
from config.env import Address
from config.secrets import key_pairs

pytestmark = pytest.mark.once


def test_there_is_no_sink_unless_one_is_set(settings: Settings) -> None:
    assert outlets() == []
    settings.AUDIT_FILE = "/var/log/audit.jsonl"
    settings.AUDIT_SYSLOG = Address("logs.example.org", 6514)
    assert [outlet.name for outlet in outlets()] == ["syslog", "file"]


def test_signing_keys_that_sign_no_checkpoints_are_named(settings: Settings) -> None:
    settings.SIGNING_KEYS = key_pairs.parse("KEYHOUSE_SIGNING_KEYS", key_pairs.new_pem("ES256"))
    assert check_checkpoints(None) == []
    settings.AUDIT_FILE = "/var/log/audit.jsonl"
    (fault,) = check_checkpoints(None)
    assert (fault.id, "no Ed25519 key" in fault.msg) == ("keyhouse.W002", True)
    settings.SIGNING_KEYS += key_pairs.parse("KEYHOUSE_SIGNING_KEYS", key_pairs.new_pem("EdDSA"))
    assert check_checkpoints(None) == []
