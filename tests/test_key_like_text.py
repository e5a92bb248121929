"""CHECKLIST 111: a key in a text that is stored, shown or logged is refused, or masked."""

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from access.principals import Caller
from accounts.models import Mail, Session
from apikeys.at_rest import key_text
from apikeys.services.revocation import revoke_api_keys
from audit.models import Event
from config import profiles
from config.logs import holds_credential, mask
from config.wire.errors import Invalid
from oauth.models import OAuthCode
from oauth.protocol import tokens
from oauth.services.clients import create_client
from tests.access.basic import basic
from tests.accounts.helpers import serving
from tests.admin.helpers import confirm, page, text_of
from tests.at_rest import everything_stored
from tests.commands.helpers import refusal_of
from tests.conftest import PASSWORD, Api, Cast, as_user, assert_problem, make_key
from tests.logins import browser
from tests.oauth.flow import BASE, CALLBACK, Flow, make_client, parameters

pytestmark = pytest.mark.once

CREDENTIALS = ("live", "test", "oat_", "ort_", "oac_", "ocs_")


@pytest.fixture(params=CREDENTIALS)
def credential(request: pytest.FixtureRequest) -> str:
    """A key of either environment, a token, a code or a client's secret."""
    forms = profiles.active().keys.environments
    return key_text.mint(forms[request.param]) if request.param in forms else tokens.new(request.param)


@pytest.fixture
def key() -> str:
    return key_text.mint(profiles.active().keys.environments["live"])


@pytest.fixture
def open_registration() -> Iterator[None]:
    with serving("login", registration_role="member"):
        yield


def register(email: str = "eve@example.net", **more: str) -> Any:
    return Api().post("auth/register", {"email": email, "password": PASSWORD, **more})


def secret_of(credential: str) -> str:
    """Return the part of a credential that may appear nowhere."""
    return credential[-20:]


# Every place that stores a person's text: a function that sends the text, and the name of the member.
Door = Callable[[Cast, str], Any]
DOORS: dict[str, tuple[str, Door]] = {
    "a new key": ("name", lambda cast, text: as_user(cast.alice).post("api-keys", {"name": text})),
    "a renamed key": (
        "name",
        lambda cast, text: as_user(cast.alice).patch(
            f"api-keys/{make_key(cast.alice).row.uuid}", {"name": text}
        ),
    ),
    "a description": (
        "description",
        lambda cast, text: as_user(cast.alice).post("api-keys", {"name": "CI", "description": f"a\n{text}"}),
    ),
    "another description": (
        "description",
        lambda cast, text: as_user(cast.alice).patch(
            f"api-keys/{make_key(cast.alice).row.uuid}", {"description": text}
        ),
    ),
    "a value of metadata": (
        "metadata",
        lambda cast, text: as_user(cast.alice).post("api-keys", {"name": "CI", "metadata": {"a": text}}),
    ),
    "another value of metadata": (
        "metadata",
        lambda cast, text: as_user(cast.alice).patch(
            f"api-keys/{make_key(cast.alice).row.uuid}", {"metadata": {"a": text}}
        ),
    ),
    "a name in metadata": (
        "metadata",
        lambda cast, text: as_user(cast.alice).post("api-keys", {"name": "CI", "metadata": {text: "a"}}),
    ),
    "a new person": (
        "name",
        lambda cast, text: as_user(cast.ada).post(
            "users", {"email": "eve@example.net", "name": text, "password": PASSWORD, "role": "member"}
        ),
    ),
    "a renamed person": (
        "name",
        lambda cast, text: as_user(cast.ada).patch(f"users/{cast.bob.uuid}", {"name": text}),
    ),
    "oneself": ("name", lambda cast, text: as_user(cast.bob).patch("auth/me", {"name": text})),
    "a new organization": (
        "name",
        lambda cast, text: as_user(cast.ada).post("organizations", {"name": text}),
    ),
    "a renamed organization": (
        "name",
        lambda cast, text: as_user(cast.ada).patch(f"organizations/{cast.acme.uuid}", {"name": text}),
    ),
    "a registration": ("name", lambda cast, text: register(name=text)),
}
WITHOUT_BLANKS: dict[str, tuple[str, Door]] = {
    "a user name": (
        "username",
        lambda cast, text: as_user(cast.ada).patch(f"users/{cast.bob.uuid}", {"username": text}),
    ),
    "an address": (
        "email",
        lambda cast, text: as_user(cast.ada).patch(
            f"users/{cast.bob.uuid}", {"email": f"{text}@example.net"}
        ),
    ),
    "another address": (
        "new_email",
        lambda cast, text: as_user(cast.bob).post(
            "auth/change-email", {"new_email": f"{text}@example.net", "current_password": PASSWORD}
        ),
    ),
    "an address that registers": ("email", lambda cast, text: register(f"{text}@example.net")),
    "a forgotten password": (
        "email",
        lambda cast, text: Api().post("auth/forgot-password", {"email": f"{text}@example.net"}),
    ),
    "an invitation": (
        "email",
        lambda cast, text: as_user(cast.ada).post(
            f"organizations/{cast.acme.uuid}/invitations",
            {"email": f"{text}@example.net", "role": "developer"},
        ),
    ),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.requirement(111)
def test_a_name_that_holds_a_key_is_refused(door: str, cast: Cast, key: str, open_registration: None) -> None:
    member, enter = DOORS[door]
    problem = assert_problem(enter(cast, f"CI ({key})"), 400, member=member)
    assert "contains a key or a token" in str(problem["errors"])
    assert secret_of(key) not in str(problem) + everything_stored()


@pytest.mark.requirement(111)
def test_a_name_that_holds_any_credential_is_refused(cast: Cast, credential: str) -> None:
    answer = as_user(cast.alice).post("api-keys", {"name": f"CI ({credential})"})
    assert secret_of(credential) not in str(assert_problem(answer, 400, member="name"))


@pytest.mark.parametrize("user", ["", "a", "ab", "__token__"])
@pytest.mark.requirement(111)
def test_a_key_as_basic_sends_it_is_refused_and_masked_like_the_key(cast: Cast, key: str, user: str) -> None:
    """People paste a whole header, and programs log one."""
    header = basic(key, user)["Authorization"]
    encoded = header.partition(" ")[2]
    for name in (header, f"x{encoded}", f"Authorization:{encoded}\\n"):
        problem = assert_problem(as_user(cast.alice).post("api-keys", {"name": name}), 400, member="name")
        assert "contains a key or a token" in str(problem["errors"])
        assert encoded[:-10] not in mask(f"sent {name}, twice {name}")
    agent = {"User-Agent": f"tool/1 ({header})", "X-Request-ID": encoded.rstrip("=")[:64]}
    answer = Api(agent).post("auth/login", {"username": "alice", "password": PASSWORD})
    assert answer.status_code == 200 and answer.headers["X-Request-ID"] != agent["X-Request-ID"]
    assert encoded[:-10] not in everything_stored()


@pytest.mark.parametrize("door", WITHOUT_BLANKS)
@pytest.mark.requirement(111)
def test_a_user_name_or_an_address_that_holds_a_credential_is_refused(
    door: str, cast: Cast, key: str, open_registration: None
) -> None:
    member, enter = WITHOUT_BLANKS[door]
    problem = assert_problem(enter(cast, key), 400, member=member)
    assert key.lower() not in f"{problem} {everything_stored()}".lower()


WORDS = [
    "export_customers",
    "kh_live_notes",
    "kh_live_Pl4nted5ecret0123456789",
    "oat_milk-delivery",
    "eyJar.a.b",
]


@pytest.mark.parametrize("word", WORDS)
def test_words_that_merely_begin_like_a_credential_are_names(word: str, cast: Cast, key: str) -> None:
    mistyped = key[:-1] + ("a" if key[-1] != "a" else "b")
    for name in (word, mistyped):
        assert as_user(cast.alice).post("api-keys", {"name": name}).json()["name"] == name


@pytest.mark.requirement(111)
def test_a_reason_that_holds_a_credential_is_refused_and_the_key_lives(
    cast: Cast, operator: Caller, credential: str
) -> None:
    made = make_key(cast.alice)
    said = refusal_of("revokeapikey", str(made.row.uuid), "--reason", f"leaked: {credential}")
    assert "reason: contains a key or a token" in said and secret_of(credential) not in said
    made.row.refresh_from_db()
    assert made.row.revoked_at is None
    client = browser(cast.ada)
    answer = confirm(client, "apikeys_apikey", "revoke", made.row, reason=f"leaked: {credential}")
    assert "contains a key or a token" in text_of(answer)
    assert secret_of(credential) not in everything_stored()
    assert revoke_api_keys(caller=operator, selected=[made.row], reason="leaked: kh_live_…") == 1


@pytest.mark.requirement(111)
def test_a_client_of_oauth2_keeps_no_credential(cast: Cast, operator: Caller, credential: str) -> None:
    good: dict[str, Any] = {"name": "Board", "scopes": ["services:read"], "redirect_uris": [CALLBACK]}
    for member, value in (("name", credential), ("redirect_uris", [f"{CALLBACK}?key={credential}"])):
        with pytest.raises(Invalid) as refused:
            create_client(caller=operator, **good | {member: value})
        assert set(refused.value.errors or {}) == {member}
        assert secret_of(credential) not in str(refused.value)


@pytest.mark.requirement(111)
def test_a_form_of_the_admin_says_beside_its_field_that_a_name_holds_a_key(cast: Cast, key: str) -> None:
    answer = browser(cast.ada).post(page("accounts_organization_add"), {"name": key})
    assert "contains a key or a token" in answer.context["errors"].as_text()


@pytest.mark.requirement(111)
def test_a_nonce_that_is_a_credential_is_refused(cast: Cast, credential: str) -> None:
    flow = Flow(make_client("openid"), cast.alice, scope="openid")
    answer = flow.browser.get(flow.address(nonce=f"n-{credential}"))
    assert parameters(answer["Location"])["error"] == "invalid_request"
    assert not OAuthCode.objects.exists()


AGENT = "Mozilla/5.0 (X11) {} Firefox/130.0"


@pytest.mark.parametrize("padding", ["", "x" * 150, "x" * 185, "x" * 790, "eyJ" * 2_000])
@pytest.mark.requirement(111)
def test_a_user_agent_is_stored_masked(cast: Cast, credential: str, padding: str) -> None:
    sent = {"User-Agent": padding + AGENT.format(credential)}
    body = {"username": "alice", "password": PASSWORD}
    assert Api(sent).post("auth/login", body).status_code == 200
    form = {"identifier": "alice", "password": PASSWORD}
    assert Client(headers=sent).post(f"{BASE}/login", form).status_code == 302
    agents = list(Session.objects.values_list("user_agent", flat=True))
    assert len(agents) == 2 and max(map(len, agents)) <= 200
    if not padding:
        assert all(agent.endswith("… Firefox/130.0") for agent in agents)
    assert credential[-12:] not in everything_stored()
    assert secret_of(credential) not in as_user(cast.alice).get("auth/sessions").content.decode()


def test_an_ordinary_user_agent_is_stored_as_it_came(cast: Cast) -> None:
    agent = AGENT.format("é, export_customers, kh_live_notes")
    Api({"User-Agent": agent}).post("auth/login", {"username": "alice", "password": PASSWORD})
    assert Session.objects.get().user_agent == agent


@pytest.mark.requirement(111)
def test_a_request_id_that_holds_a_credential_is_not_taken_over(cast: Cast, credential: str) -> None:
    """It would appear in the answer, in events and in the outbox."""
    sent = f"a.{credential}"
    api = Api({"X-Request-ID": sent})
    assert len(sent) <= 64
    answer = api.post("auth/login", {"username": "alice", "password": "wrong"})
    assert secret_of(credential) not in answer.headers["X-Request-ID"]
    api.post("auth/forgot-password", {"email": "alice@example.org"})
    assert Event.objects.exists() and Mail.objects.exists()
    assert secret_of(credential) not in everything_stored()


@pytest.mark.parametrize("shipped", profiles.shipped_names())
@pytest.mark.requirement(111)
def test_keys_of_every_product_are_recognized(shipped: str) -> None:
    with profiles.override(profiles.load(shipped)):
        for form in profiles.active().keys.environments.values():
            assert holds_credential(f"x {key_text.mint(form)} y")
            assert not holds_credential(form.prefix + secrets.token_hex(4))
