"""CHECKLIST 96: credentials appear in no log, at DEBUG too."""

import base64
import json
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import Event
from config.logs import escape, holds_credential, mask
from tests.access.basic import basic
from tests.conftest import PASSWORD, Api, Cast, log_in, make_key, with_key
from tests.installation import ADMIN, Installation, Server, log_in_as_admin

pytestmark = pytest.mark.once

LOUD = {"DJANGO_SETTINGS_MODULE": "tests.running.loud_settings"}
SESSION, CSRF = settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME
PLANTED = "Planted-5ecret-of-nobody"
KEY = "kh_live_" + "Pl4nted5ecret" * 2 + "0123456789"
JWT = ".".join(
    base64.urlsafe_b64encode(part).decode().strip("=") for part in (b'{"alg":"HS256"}', b'{"sub":"P"}', b"x")
)


def attack(server: Server, token: dict[str, str], key: str) -> list[int]:
    """Send credentials in every right place and in some wrong ones; return the statuses."""

    def send(method: str, path: str, body: Any = None, **headers: str) -> int:
        return server.request(
            method, path, body=body, headers={n.replace("_", "-"): v for n, v in headers.items()}
        ).status

    login = "/api/v1/auth/login"
    return [
        send("POST", login, {"username": "admin", "password": PLANTED}),
        send("POST", login, {"username": PLANTED, "password": PLANTED, "extra": PLANTED}),
        send("POST", login, {"username": "admin", "password": [PLANTED]}),
        send("POST", login, f'{{"username": "admin", "password": "{PLANTED}'.encode()),
        send("POST", login, f"password={PLANTED}".encode(), Content_Type="text/plain"),
        send("POST", f"{login}?password={PLANTED}", {}),
        send("GET", f"/api/v1/auth/me?api_key={key}"),
        send("GET", f"/api/v1/auth/me?x={key}"),
        send("POST", "/api/v1/auth/refresh", {"refresh_token": JWT}),
        send("POST", "/api/v1/auth/refresh", {"refresh_token": PLANTED}),
        send("GET", "/api/v1/auth/me", X_API_Key=key),
        send("GET", "/api/v1/auth/me", X_API_Key=KEY),
        send("GET", "/api/v1/auth/me", X_API_Key=PLANTED),
        send("GET", "/api/v1/auth/me", Authorization=f"Bearer {KEY}"),
        send("GET", "/api/v1/auth/me", Authorization=f"Bearer {JWT}"),
        send("GET", "/api/v1/auth/me", Authorization=f"Basic {PLANTED}"),
        send("GET", "/api/v1/auth/me", **basic(key)),
        send("GET", "/api/v1/auth/me", **basic(KEY)),
        send("GET", f"/api/v1/nothing/{basic(key)['Authorization'][6:]}", **basic(PLANTED)),
        send("GET", "/api/v1/auth/me", Authorization=f"Bearer {PLANTED} {PLANTED}"),
        send("GET", "/api/v1/auth/me", Cookie=f"{SESSION}={PLANTED}; {CSRF}={PLANTED}"),
        send("GET", "/admin/", Cookie=f"{SESSION}={PLANTED}"),
        send("DELETE", f"/api/v1/api-keys/{key}", **token),
        send("GET", f"/api/v1/nothing/{key}/{JWT}"),
        send("GET", "/gateway/check", X_Original_Method="GET", X_Original_URI=f"/x?k={key}", X_API_Key=key),
        send("GET", "/gateway/check", X_Original_Method="GET", X_Original_URI=f"/x/{key}", X_API_Key=key),
        send("POST", "/gateway/introspect", {"token": key, "token_type_hint": PLANTED}, **token),
        send("POST", "/gateway/introspect", {"token": JWT, "extra": PLANTED}, **token),
    ]


@pytest.mark.requirement(96)
def test_secrets_of_clients_and_of_the_server_appear_in_none_of_its_logs(installation: Installation) -> None:
    with installation.serve(**LOUD) as server:
        token = log_in_as_admin(server)
        made = server.request("POST", "/api/v1/api-keys", headers=token, body={"name": "k"}).json()
        statuses = attack(server, token, made["key"])
        events = server.request("GET", "/api/v1/audit?page_size=200", headers=token).body.decode()
    assert not [status for status in statuses if status >= 500]
    secrets = [basic(each)["Authorization"][6:].rstrip("=") for each in (made["key"], KEY, PLANTED)]
    secrets += [PLANTED, KEY, JWT, made["key"], token["Authorization"][7:], ADMIN["KEYHOUSE_ADMIN_PASSWORD"]]
    secrets += [
        (installation.folder / "var" / name).read_text().strip() for name in ("secret_key", "peppers")
    ]
    assert "django.request" in server.output
    assert [secret for secret in secrets if secret in server.output or secret in events] == []


def test_a_refused_request_writes_nothing_to_the_log(installation: Installation) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    with installation.serve() as server:
        statuses = [
            server.request("GET", "/api/v1/auth/me", headers={"Host": "evil.example"}).status,
            server.request("POST", "/admin/login/", headers=form, body=b"username=admin").status,
            server.request("GET", "/admin/", headers={"Cookie": f"{SESSION}=nobodys"}).status,
        ]
    assert statuses == [400, 403, 302]
    assert server.output.partition(server.awaited)[2] == "\n"


@pytest.mark.requirement(96)
def test_no_statement_to_the_database_holds_a_credential(cast: Cast) -> None:
    """Django logs statements with DEBUG on."""
    with CaptureQueriesContext(connection) as captured:
        token = log_in(cast.alice)["access_token"]
        key = Api({"Authorization": f"Bearer {token}"}).post("api-keys", {"name": "CI"}).json()["key"]
        assert with_key(key).get("auth/me").status_code == 200
        Api().post("auth/login", {"username": "alice", "password": PLANTED})
    said = " ".join(query["sql"] for query in captured)
    assert "INSERT" in said
    assert [secret for secret in (token, key, PLANTED, PASSWORD) if secret in said] == []


def test_a_key_in_a_line_is_cut_down_to_what_may_be_shown(db: None) -> None:
    assert mask(f"a {KEY}, b") == "a kh_live_Pl4n…, b"
    assert mask(f"Bearer {JWT}") == "Bearer eyJ…"
    for prefix in ("oat_", "ort_", "oac_", "ocs_"):
        assert mask(f"token={prefix}{'aB3-_' * 8}&x") == f"token={prefix}…&x"
    assert (
        mask("kh_live_Pl4n… kh_live kh_live_ab eyJhbGci eyJ.a.b")
        == "kh_live_Pl4n… kh_live kh_live_ab eyJhbGci eyJ.a.b"
    )


@pytest.mark.parametrize(
    "word",
    [
        "export_customers cohort_analysis goat_milk-delivery block_ocs_",
        "lookh_live_Pl4nted5ecrets",
        "monkeyJar.lid.handle",
    ],
)
def test_a_word_in_which_a_credential_would_begin_is_kept(word: str, db: None) -> None:
    assert mask(word) == word


@pytest.mark.parametrize("before", ["\n", "\x07", "%0A", "Bearer", "é"])
def test_a_whole_credential_is_cut_down_whatever_stands_before_it(before: str, db: None) -> None:
    for whole in (KEY, f"oat_{PLANTED * 2}", JWT):
        assert whole[-8:] not in mask(escape(f"{before}{whole}"))


def test_a_name_in_the_audit_log_stands_as_it_was_given(cast: Cast) -> None:
    make_key(cast.alice, name="export_customers")
    assert Event.objects.latest("sequence").target_label == "export_customers"


def test_a_key_in_a_denied_path_is_not_kept_in_the_audit_log(cast: Cast) -> None:
    key = make_key(cast.alice, "services:read")
    assert with_key(key).delete(f"api-keys/{key.text}").status_code == 403
    said = json.dumps([{**vars(event), "_state": ""} for event in Event.objects.all()], default=str)
    assert key.text not in said
    assert f"{key.row.key_prefix}…" in Event.objects.latest("sequence").target_label


@pytest.mark.parametrize("header", ["eyJ", "eyJhbGciOiJIUzI1NiJ9_"])
@pytest.mark.parametrize("end", ["", ".", "..", ".x"])
def test_a_megabyte_of_beginnings_of_tokens_is_read_in_one_go(header: str, end: str, db: None) -> None:
    """If each beginning were read to the end of the text, this would take minutes."""
    text = header * (1_000_000 // len(header)) + end
    for each in (text, base64.b64encode(text.encode()).decode()):
        assert mask(each) == each
        assert not holds_credential(each)


def test_a_token_is_found_after_words_that_end_with_dots(db: None) -> None:
    assert mask(f"a.b.{JWT} x.{JWT}.{JWT}") == "a.b.eyJ… x.eyJ….eyJ…"
    assert mask(f"kh_live_{'Pl4n' * 9}_{JWT}") == "kh_live_Pl4n…_eyJ…"
    assert holds_credential(f"a.b_{JWT}") and not holds_credential("eyJhbGciOiJIUzI1NiJ9.x")
