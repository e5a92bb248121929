"""The database knows the secrets that it was used with. Others are refused, new ones are stored."""

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from access.principals import Caller
from accounts.encrypted import renew
from accounts.models import KnownSecret, RecoveryCode, Session
from accounts.second_factor import seed_encryption
from apikeys.models import ApiKey
from apikeys.services.known_secrets import accept_secrets, check_secrets
from audit.models import Event
from config.env import ConfigurationError
from config.secrets import key_pairs
from config.secrets.key_pairs import KeyPair
from federation.models import Grant, Provider
from oauth.models import OAuthClient
from tests.accounts.authenticator import enrolled
from tests.accounts.helpers import caller_as
from tests.conftest import Cast, log_in, make_key, with_key
from tests.oauth.flow import make_client
from tests.webhooks.changes import hook_of
from webhooks.models import Webhook
from webhooks.services.secrets import rotate_secret

ONE, TWO, THREE = bytes(range(32)), bytes(range(1, 33)), bytes(range(2, 34))


@cache
def three_keys() -> list[KeyPair]:
    return [key_pairs.from_pem(key_pairs.new_pem("RS256")) for _ in range(3)]


@pytest.fixture(autouse=True)
def known_before(cast: Cast, settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path  # without the signing keys of other tests
    settings.PEPPERS = {1: ONE}
    settings.SEED_KEYS = {1: ONE}
    check_secrets()


def refusal() -> str:
    """Return why the secrets are refused. Asks twice, since a refusal must not store new secrets."""
    said = []
    for _ in range(2):
        with pytest.raises(ConfigurationError) as caught:
            check_secrets()
        said.append(str(caught.value))
    assert said[0] == said[1]
    assert ONE.hex()[:8] not in said[0] and TWO.hex()[:8] not in said[0]
    return said[0]


def test_what_is_known_costs_two_queries(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(2):
        check_secrets()


def test_no_fingerprint_is_the_secret() -> None:
    stored = list(KnownSecret.objects.values_list("kind", "number", "fingerprint"))
    assert [row[:2] for row in stored] == [("pepper", 1), ("seed key", 1)]
    assert not [text for *_, text in stored if text in ONE.hex() or len(text) != 32]


@pytest.mark.parametrize(("setting", "words"), [("PEPPERS", "pepper 1 in "), ("SEED_KEYS", "seed key 1 in ")])
def test_a_number_keeps_its_value(settings: Any, setting: str, words: str) -> None:
    setattr(settings, setting, {1: TWO, 2: ONE})
    said = refusal()
    assert words in said and "has changed" in said and "acceptsecrets" in said


def test_the_place_that_is_named_is_where_the_secret_came_from(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PEPPERS = {1: TWO}
    assert f"pepper 1 in {settings.DATA_DIR}/peppers has changed" in refusal()
    monkeypatch.setenv("KEYHOUSE_PEPPERS", f"1:{TWO.hex()}")
    assert "pepper 1 in KEYHOUSE_PEPPERS has changed" in refusal()


def test_a_new_number_is_known_from_then_on_and_the_old_one_goes_when_no_key_needs_it(
    cast: Cast, settings: Any
) -> None:
    used, revoked = make_key(cast.alice, "keys:read"), make_key(cast.alice)
    expired = make_key(cast.alice, expires_at=datetime.now(UTC) + timedelta(days=1))
    settings.PEPPERS = {1: ONE, 2: TWO}
    check_secrets()
    settings.PEPPERS = {2: TWO}
    assert "pepper 1 is missing from " in (said := refusal()) and "API keys: 3" in said
    ApiKey.objects.filter(pk=revoked.row.pk).update(revoked_at=datetime.now(UTC))
    ApiKey.objects.filter(pk=expired.row.pk).update(
        created_at=datetime.now(UTC) - timedelta(2), expires_at=datetime.now(UTC) - timedelta(1)
    )
    assert "API keys: 1" in refusal()
    settings.PEPPERS = {1: ONE, 2: TWO}
    assert with_key(used).get("api-keys").status_code == 200
    settings.PEPPERS = {2: TWO}
    check_secrets()
    assert with_key(used).get("api-keys").status_code == 200
    settings.PEPPERS = {1: THREE, 2: TWO}
    check_secrets()


def test_a_server_that_lacks_a_pepper_which_others_use_does_not_start(cast: Cast, settings: Any) -> None:
    settings.PEPPERS = {1: ONE, 2: TWO}
    check_secrets()
    settings.PEPPERS = {1: ONE}
    check_secrets()  # nothing is stored under the new one yet
    settings.PEPPERS = {1: ONE, 2: TWO}
    check_secrets()
    make_key(cast.alice)
    settings.PEPPERS = {1: ONE}
    assert "pepper 2 is missing from " in refusal()


def test_secrets_of_clients_and_recovery_codes_need_their_pepper(cast: Cast, settings: Any) -> None:
    enrolled(cast.alice)
    make_client("services:read", owner=cast.acme)
    settings.PEPPERS = {2: TWO}
    assert "secrets of OAuth2 clients: 1, recovery codes: 10" in refusal()
    RecoveryCode.objects.update(pepper=None)
    OAuthClient.objects.update(pepper=None)
    assert "secrets of OAuth2 clients: 1, recovery codes: 10" in refusal()
    RecoveryCode.objects.update(pepper=2)
    OAuthClient.objects.update(pepper=2)
    check_secrets()


def test_a_public_client_needs_no_pepper(cast: Cast, settings: Any) -> None:
    make_client(is_public=True)
    settings.PEPPERS = {2: TWO}
    check_secrets()


def test_a_seed_key_goes_when_no_seed_needs_it(cast: Cast, settings: Any) -> None:
    enrolled(cast.alice)
    settings.SEED_KEYS = {1: ONE, 2: TWO}
    check_secrets()
    settings.SEED_KEYS = {2: TWO}
    assert "seed key 1 is missing from " in (said := refusal()) and "second factors: 1" in said
    settings.SEED_KEYS = {1: ONE, 2: TWO}
    enrolled(cast.bob)
    cast.alice.second_factor.delete()
    settings.SEED_KEYS = {2: TWO}
    check_secrets()


@pytest.fixture
def encrypted(cast: Cast) -> Webhook:
    """A secret of a provider, a refresh token, and two secrets of the webhook, one of which ends."""
    now = datetime.now(UTC)
    secret = seed_encryption.encrypt(b"a secret")
    Provider.objects.create(organization=cast.acme, secret=secret, created_at=now)
    log_in(cast.alice)
    Grant.objects.create(session=Session.objects.get(), refresh_token=secret, asked_at=now, answered_at=now)
    return rotate_secret(caller=caller_as(cast.ada), webhook=hook_of(cast)).row


def test_a_seed_key_stays_while_anything_is_encrypted_with_it(encrypted: Webhook, settings: Any) -> None:
    settings.SEED_KEYS = {2: TWO}
    said = refusal()
    assert "seed key 1 is missing from " in said
    assert "secrets of identity providers: 1, refresh tokens of logins: 1, secrets of webhooks: 2." in said


def test_what_has_ended_needs_no_seed_key(encrypted: Webhook, settings: Any) -> None:
    Session.objects.update(ended_at=datetime.now(UTC))
    Provider.objects.update(secret="")
    Webhook.objects.update(old_secrets=[[encrypted.secret, datetime.now(UTC).timestamp()]])
    settings.SEED_KEYS = {2: TWO}
    assert "these stop working: secrets of webhooks: 1." in refusal()


def test_servers_encrypt_everything_with_the_current_seed_key(
    cast: Cast, encrypted: Webhook, settings: Any
) -> None:
    enrolled(cast.bob)
    before = encrypted.secrets(datetime.now(UTC))
    settings.SEED_KEYS, settings.CURRENT_SEED_KEY = {1: ONE, 2: TWO}, 1
    renew()
    assert Webhook.objects.get().secret == encrypted.secret
    settings.CURRENT_SEED_KEY = 2
    renew()
    settings.SEED_KEYS = {2: TWO}
    assert "these stop working: secrets of webhooks: 1." in refusal()
    assert Webhook.objects.get().secrets(datetime.now(UTC)) == before[:1]
    Webhook.objects.update(old_secrets=[])
    check_secrets()
    stored = [Provider.objects.get().secret, Grant.objects.get().refresh_token]
    assert [seed_encryption.decrypt(each) for each in stored] == [b"a secret"] * 2
    renew()
    assert [Provider.objects.get().secret, Grant.objects.get().refresh_token] == stored


def given(*keys: KeyPair) -> Any:
    return override_settings(SIGNING_KEYS=keys)


def test_signing_keys_rotate_in_three_steps_on_machines_that_restart_one_by_one() -> None:
    old, new, stranger = three_keys()
    for keys in ([old], [old, new], [old], [new, old], [old, new], [new, old], [new]):
        with given(*keys):
            check_secrets()
    for keys in ([old], [stranger], [stranger, old]):
        with given(*keys):
            assert f"RS256 key {new.kid} is missing from " in refusal()
    with given(stranger, new):
        check_secrets()
    with given(new):
        assert f"RS256 key {stranger.kid} is missing from " in refusal()


class TestAnOlderVersionsDatabase:
    """It has no fingerprints. The present secrets are accepted, unless one is evidently missing."""

    @pytest.fixture(autouse=True)
    def nothing_is_known(self, cast: Cast) -> None:
        make_key(cast.alice)
        enrolled(cast.alice)
        RecoveryCode.objects.update(pepper=None)
        KnownSecret.objects.all().delete()

    def test_its_secrets_are_known_from_then_on(self, settings: Any) -> None:
        check_secrets()
        settings.PEPPERS = {1: TWO}
        assert "API keys: 1, recovery codes: 10" in refusal()

    def test_a_key_whose_pepper_is_not_here_is_noticed(self, settings: Any) -> None:
        settings.PEPPERS = {2: TWO}
        assert "these stop working: API keys: 1." in refusal()

    def test_a_seed_that_cannot_be_read_is_noticed(self, settings: Any) -> None:
        settings.PEPPERS = settings.SEED_KEYS = {1: TWO}
        assert "these stop working: second factors: 1." in refusal()

    def test_it_can_be_gone_on_with(self, settings: Any, operator: Caller) -> None:
        settings.PEPPERS = settings.SEED_KEYS = {2: TWO}
        assert accept_secrets(caller=operator).lost == {"API keys": 1, "second factors": 1}
        check_secrets()


def test_accepting_others_says_what_is_lost_and_is_recorded(
    cast: Cast, settings: Any, operator: Caller
) -> None:
    make_key(cast.alice)
    enrolled(cast.alice)
    with given(three_keys()[0]):
        check_secrets()
    settings.PEPPERS, settings.SEED_KEYS = {1: TWO}, {2: TWO}
    with given(three_keys()[1]):
        said = refusal()
        lost = {"API keys": 1, "recovery codes": 10, "second factors": 1}
        assert accept_secrets(caller=operator, dry_run=True).lost == lost
        assert refusal() == said
        found = accept_secrets(caller=operator)
        assert (found.lost, len(found.differences)) == (lost, 3)
        event = Event.objects.get(name="secrets:accepted")
        assert event.detail == {"differences": found.differences, "lost": lost}
        check_secrets()
        assert accept_secrets(caller=operator).is_fit
        assert Event.objects.filter(name="secrets:accepted").count() == 1
    settings.PEPPERS, settings.SEED_KEYS = {1: ONE}, {1: ONE}
    assert "pepper 1 in " in refusal()


def test_a_pepper_that_is_found_again_works_under_a_number_of_its_own(
    cast: Cast, settings: Any, operator: Caller
) -> None:
    key = make_key(cast.alice, "keys:read")
    settings.PEPPERS = {1: TWO}
    accept_secrets(caller=operator)
    assert with_key(key).get("api-keys").status_code == 401
    settings.PEPPERS = {1: TWO, 2: ONE}
    check_secrets()
    assert with_key(key).get("api-keys").status_code == 200
