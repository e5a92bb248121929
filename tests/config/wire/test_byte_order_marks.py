"""A byte order mark where texts begin: Windows writes it, Excel wants it, JSON may have it (RFC 8259)."""

import codecs
import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from apikeys.models import ApiKey
from apikeys.services.api_keys import NewKey
from config import env, profiles
from tests.admin.helpers import act
from tests.commands.helpers import run
from tests.config.profile_texts import GOOD
from tests.conftest import PASSWORD, Api, Cast, as_user, assert_problem, log_in, make_key
from tests.logins import browser

pytestmark = pytest.mark.once

BOM = codecs.BOM_UTF8


def post(api: Api, path: str, body: bytes) -> Any:
    return api.client.generic("POST", path, body, "application/json")


def test_json_may_begin_with_one(cast: Cast) -> None:
    body = json.dumps({"username": "alice", "password": PASSWORD}).encode()
    assert post(Api(), "/api/v1/auth/login", BOM + body).status_code == 200
    assert post(as_user(cast.alice), "/api/v1/api-keys", BOM + b'{"name": "a"}').status_code == 201
    answer = post(as_user(cast.ada), "/gateway/introspect", BOM + b'{"token": "x"}')
    assert (answer.status_code, answer.json()) == (200, {"active": False})


@pytest.mark.parametrize(
    "body",
    [
        BOM + BOM + b'{"name": "a"}',
        b" " + BOM + b'{"name": "a"}',
        BOM[:2] + b'{"name": "a"}',
        BOM,
        b'{"name": "a"}' + BOM,
        codecs.BOM_UTF16_LE + '{"name": "a"}'.encode("utf-16-le"),
        codecs.BOM_UTF32_BE + '{"name": "a"}'.encode("utf-32-be"),
    ],
)
@pytest.mark.requirement(93)
def test_json_with_one_elsewhere_or_of_another_encoding_is_refused(cast: Cast, body: bytes) -> None:
    assert_problem(post(as_user(cast.alice), "/api/v1/api-keys", body), 400, "parse_error")
    assert not ApiKey.objects.exists()


def test_one_inside_a_text_of_json_stays_there(cast: Cast) -> None:
    answer = post(as_user(cast.alice), "/api/v1/api-keys", BOM + '{"name": "a\ufeffb"}'.encode())
    assert answer.status_code in {201, 400}
    assert answer.status_code == 400 or answer.json()["name"] == "a\ufeffb"


def test_exports_begin_with_one_so_that_excel_reads_them(cast: Cast) -> None:
    key: NewKey = make_key(cast.bob, "services:read", name="Schlüssel für Łódź")
    ada: Client = browser(cast.ada)
    for model, row in (("apikeys_apikey", key.row), ("audit_event", None)):
        rows = [row] if row else list(_events())
        content = b"".join(act(ada, model, "export", *rows).streaming_content)
        assert content.startswith(BOM) and not content.startswith(BOM * 2)
        assert "\ufeff" not in content.decode("utf-8-sig")
        assert "Łódź" in content.decode("utf-8-sig")


def _events() -> Any:
    from audit.models import Event

    return Event.objects.filter(name="api_key:created")


def test_settings_in_files_may_begin_with_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "value"
    file.write_bytes(BOM + b"first\r\nsecond\r\n")
    monkeypatch.setenv("SECRET_KEY_FILE", str(file))
    monkeypatch.delenv("SECRET_KEY", raising=False)
    assert env.text("SECRET_KEY") == "first\nsecond"
    monkeypatch.setenv("KEYHOUSE_COMMON_PASSWORDS", str(file))
    assert env.lines("KEYHOUSE_COMMON_PASSWORDS") == ["first", "second"]


def test_a_profile_may_begin_with_one(tmp_path: Path, settings: Settings) -> None:
    file = tmp_path / "product.toml"
    file.write_bytes(BOM + GOOD.encode())
    assert profiles.load(str(file)).product.name == "Example"


def test_what_is_piped_into_commands_may_begin_with_one(cast: Cast) -> None:
    key = make_key(cast.alice)
    assert run("revokeapikey", "--stdin", stdin=f"\ufeff{key.text}\n")["revoked"] == 1
    person = ("--username", "anna", "--email", "anna@example.org", "--role", "member", "--password-stdin")
    run("createuser", *person, stdin=f"\ufeff{PASSWORD}\r\n")
    assert log_in(User.objects.get(username="anna"))
