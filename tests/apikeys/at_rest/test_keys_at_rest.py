"""Only the digest of a key is stored, and its text is shown once."""

import hashlib
import hmac

import pytest
from django.conf import settings

from apikeys.models import ApiKey
from tests.at_rest import everything_stored
from tests.conftest import Cast, as_user, make_key, with_key


@pytest.mark.requirement(56)
def test_no_table_holds_the_text_of_a_key_after_it_was_made_used_renamed_and_revoked(
    cast: Cast,
) -> None:
    alice = as_user(cast.alice)
    made = alice.post("api-keys", {"name": "CI", "scopes": ["keys:read"]}).json()
    assert with_key(made["key"]).get("api-keys").status_code == 200
    alice.patch(f"api-keys/{made['id']}", {"name": "CI 2"})
    alice.delete(f"api-keys/{made['id']}")
    assert with_key(made["key"]).get("api-keys").status_code == 401
    stored, secret = everything_stored(), made["key"].removeprefix(made["key_prefix"])
    assert made["key_prefix"] in stored and "CI 2" in stored
    for spelling in (
        secret,
        secret[-20:],
        secret.encode().hex(),
        hashlib.sha256(made["key"].encode()).hexdigest(),
    ):
        assert spelling not in stored


@pytest.mark.requirement(56)
def test_what_is_stored_is_the_hmac_under_the_current_pepper(cast: Cast) -> None:
    made = make_key(cast.alice)
    row = ApiKey.objects.get(pk=made.row.pk)
    number = max(settings.PEPPERS)
    assert row.pepper == number
    assert bytes(row.digest) == hmac.digest(settings.PEPPERS[number], made.text.encode(), "sha256")


@pytest.mark.requirement(57)
def test_a_key_is_shown_once_when_it_is_made_and_not_stored_by_caches(cast: Cast) -> None:
    alice = as_user(cast.alice)
    made = alice.post("api-keys", {"name": "CI", "scopes": ["services:read"]})
    assert "no-store" in made.headers["Cache-Control"]
    key = made.json()
    shown = alice.get(f"api-keys/{key['id']}").json()
    assert key == {**shown, "key": key["key"]}
    secret = key["key"].removeprefix(key["key_prefix"])
    later = [
        alice.get("api-keys"),
        alice.get(f"api-keys/{key['id']}"),
        alice.patch(f"api-keys/{key['id']}", {"name": "other"}),
        as_user(cast.ada).get("audit"),
    ]
    for answer in later:
        assert answer.status_code == 200
        assert secret not in answer.content.decode() and '"key":' not in answer.content.decode()
        assert "no-store" in answer.headers["Cache-Control"]


def test_no_answer_holds_the_digest_of_a_key(cast: Cast) -> None:
    made = make_key(cast.alice)
    digest = bytes(ApiKey.objects.get(pk=made.row.pk).digest)
    shown = as_user(cast.alice).get(f"api-keys/{made.row.uuid}").content.decode()
    assert digest.hex() not in shown and "digest" not in shown and "pepper" not in shown


def test_a_new_key_does_not_show_itself_when_printed(cast: Cast) -> None:
    made = make_key(cast.alice)
    secret = made.text.removeprefix(made.row.key_prefix)
    assert secret not in repr(made) + str(made) + repr(made.row) + str(made.row)


def test_a_used_key_is_in_no_log_line_not_even_at_debug(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    made = make_key(cast.alice, "keys:read")
    assert with_key(made).get("api-keys").status_code == 200
    assert with_key(made.text + "x").get("api-keys").status_code == 401
    assert with_key(made).get(f"api-keys?api_key={made.text}").status_code == 400
    assert made.text.removeprefix(made.row.key_prefix) not in caplog.text
