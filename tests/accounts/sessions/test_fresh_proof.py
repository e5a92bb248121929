"""A login that is too old makes no key and gives none more, until the person proves again who they are."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import SecondFactor, Session, User
from accounts.sessions.proving import prove_again
from apikeys.models import ApiKey
from apikeys.services.enabling import disable_api_keys
from audit.models import Event
from config import profiles
from config.wire.errors import InvalidToken
from oauth.models import Consent
from tests.accounts.authenticator import caller_at, enrolled
from tests.accounts.helpers import caller_as, serving
from tests.accounts.passkeys.authenticator import asked_at, at_localhost, logged_in, with_passkey
from tests.admin.helpers import act
from tests.conftest import PASSWORD, Api, Cast, as_user, assert_problem, log_in, make_key, with_key
from tests.console.helpers import console_of
from tests.logins import browser
from tests.oauth.flow import Flow, make_client

pytestmark = pytest.mark.requirement(22)

CODE, PROVE = "insufficient_user_authentication", "/account/prove"
MOST = 600  # seconds
NEW = {"name": "robot", "scopes": ["services:read"]}


@pytest.fixture(autouse=True)
def ten_minutes(cast: Cast) -> Iterator[None]:
    with serving("login", fresh_seconds=MOST):
        yield


def age(user: User, **by: int) -> None:
    """Let the logins of the person be as old as that."""
    Session.objects.filter(user=user).update(created_at=datetime.now(UTC) - timedelta(**by))


def old_api(user: User) -> Api:
    api = as_user(user)
    age(user, seconds=MOST + 1)
    return api


def old_console(user: User, **how: Any) -> Client:
    client = console_of(user, **how)
    age(user, seconds=MOST + 1)
    return client


def leads_to_proof(answer: Any, back: str) -> bool:
    return (answer.status_code, answer.headers["Location"]) == (302, f"{PROVE}?{urlencode({'next': back})}")


def test_an_old_login_makes_no_key_and_the_answer_says_how_old_it_may_be(cast: Cast) -> None:
    api = old_api(cast.bob)
    answer = api.post("api-keys", NEW)
    assert_problem(answer, 401, CODE)
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.endswith(f'Bearer realm="Keyhouse", error="{CODE}", max_age="{MOST}"')
    assert not ApiKey.objects.exists()
    assert as_user(cast.bob).post("api-keys", NEW).status_code == 201


def test_a_login_that_is_just_young_enough_makes_a_key(cast: Cast) -> None:
    api = as_user(cast.bob)
    age(cast.bob, seconds=MOST - 60)
    assert api.post("api-keys", NEW).status_code == 201


def test_a_refresh_is_no_proof(cast: Cast) -> None:
    tokens = log_in(cast.bob)
    age(cast.bob, seconds=MOST + 1)
    again = Api().post("auth/refresh", {"refresh_token": tokens["refresh_token"]}).json()
    api = Api({"Authorization": f"Bearer {again['access_token']}"})
    assert_problem(api.post("api-keys", NEW), 401, CODE)


def test_an_old_login_neither_rotates_nor_enables_nor_widens_a_key(cast: Cast) -> None:
    key = make_key(cast.bob, "services:read").row
    disabled = make_key(cast.bob, "services:read").row
    disable_api_keys(caller=caller_as(cast.bob), selected=[disabled])
    api = old_api(cast.bob)
    assert_problem(api.post(f"api-keys/{key.uuid}/rotate", {}), 401, CODE)
    assert_problem(api.post(f"api-keys/{disabled.uuid}/enable"), 401, CODE)
    ApiKey.objects.filter(pk=key.pk).update(wider_scopes=["services:write"], narrowed_at=timezone.now())
    assert_problem(api.post(f"api-keys/{key.uuid}/widen"), 401, CODE)
    assert ApiKey.objects.count() == 2
    assert ApiKey.objects.get(pk=disabled.pk).disabled_at is not None


@pytest.mark.parametrize(
    "wider",
    [
        {"allowed_networks": []},
        {"allowed_networks": ["10.0.0.0/8"]},
        {"rate_limit": None},
        {"rate_limit": {"requests": 11, "seconds": 60}},
        {"rate_limit": {"requests": 10, "seconds": 59}},
    ],
)
def test_an_old_login_widens_no_key(cast: Cast, wider: dict[str, Any]) -> None:
    limits = {"allowed_networks": ["10.1.0.0/16"], "rate_limit": {"requests": 10, "seconds": 60}}
    made = as_user(cast.bob).post("api-keys", {**NEW, **limits}).json()
    api = old_api(cast.bob)
    assert_problem(api.patch(f"api-keys/{made['id']}", {"name": "other", **wider}), 401, CODE)
    assert ApiKey.objects.get().name == "robot"


def test_an_old_login_narrows_disables_and_revokes_keys(cast: Cast) -> None:
    key = make_key(cast.bob, "services:read").row
    api = old_api(cast.bob)
    narrower = {"allowed_networks": ["10.1.2.3"], "rate_limit": {"requests": 1, "seconds": 60}, "name": "x"}
    assert api.patch(f"api-keys/{key.uuid}", narrower).status_code == 200
    assert api.post(f"api-keys/{key.uuid}/disable").status_code == 200
    assert api.delete(f"api-keys/{key.uuid}").status_code == 204


def test_a_program_is_not_asked(cast: Cast) -> None:
    api = with_key(make_key(cast.bob, "keys:write", "services:read"))
    assert api.post("api-keys", NEW).status_code == 201


def test_a_profile_that_wants_no_fresh_proof_asks_for_none(cast: Cast) -> None:
    api = as_user(cast.bob)
    age(cast.bob, days=5)
    with serving("login", fresh_seconds=None):
        assert api.post("api-keys", NEW).status_code == 201


@pytest.mark.parametrize("shipped", [name for name in profiles.shipped_names() if name != "keyhouse"])
def test_the_profiles_of_products_ask_for_none(shipped: str) -> None:
    assert profiles.load(shipped).login.fresh_seconds is None


def test_the_console_asks_before_the_form_and_leads_back_to_it(cast: Cast) -> None:
    client = old_console(cast.bob)
    assert leads_to_proof(client.get("/account/keys/new"), "/account/keys/new")
    said = client.get(f"{PROVE}?next=/account/keys/new").content.decode()
    assert "bob" in said and 'name="password"' in said and 'name="code"' not in said
    assert f'action="{PROVE}"' in said and 'name="next" value="/account/keys/new"' in said
    answer = client.post(PROVE, {"password": PASSWORD, "next": "/account/keys/new"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/account/keys/new")
    shown = client.get("/account/keys/new")
    assert shown.status_code == 200 and "Now you can go on." in shown.content.decode()
    event = Event.objects.latest("sequence")
    session = Session.objects.get()
    assert event.name == "session:confirmed"
    assert event.subjects == [f"session:{session.uuid}", f"user:{cast.bob.uuid}"]


def test_a_key_page_asks_before_it_rotates_or_enables(cast: Cast) -> None:
    key = make_key(cast.bob, "services:read").row
    client = old_console(cast.bob)
    for what in ("rotate", "enable"):
        address = f"/account/keys/{key.uuid}/{what}"
        assert leads_to_proof(client.get(address), address)
    assert client.get(f"/account/keys/{key.uuid}/revoke").status_code == 200


def test_a_form_that_took_too_long_keeps_what_was_typed_and_says_what_to_do(cast: Cast) -> None:
    client = console_of(cast.bob)
    form = client.get("/account/keys/new").context["form"]
    shown = {name: form[name].value() for name in form.fields}
    sent = {name: value for name, value in shown.items() if value} | {"name": "my robot"}
    age(cast.bob, seconds=MOST + 1)
    answer = client.post("/account/keys/new", sent)
    assert answer.status_code == 401
    said = answer.content.decode()
    assert f'href="{PROVE}" target="_blank"' in said and 'value="my robot"' in said
    assert client.post(PROVE, {"password": PASSWORD}).headers["Location"] == "/account/"
    assert "kh_live_" in client.post("/account/keys/new", sent).content.decode()


def test_a_wrong_password_proves_nothing_and_is_recorded(cast: Cast) -> None:
    client = old_console(cast.bob)
    answer = client.post(PROVE, {"password": "another walk"})
    assert answer.status_code == 403 and "is wrong" in answer.content.decode()
    assert Session.objects.get().proven_again_at is None
    assert Event.objects.latest("sequence").name == "second_factor:refused"


def test_a_person_with_a_second_factor_also_needs_a_code(cast: Cast) -> None:
    app = enrolled(cast.bob)
    client = old_console(cast.bob, totp_code=app.code())
    answer = client.post(PROVE, {"password": PASSWORD})
    assert (answer.status_code, list(answer.context["form"].errors)) == (400, ["code"])
    assert client.post(PROVE, {"password": PASSWORD, "code": "000000"}).status_code == 403
    assert leads_to_proof(client.get("/account/keys/new"), "/account/keys/new")
    proof = {"password": PASSWORD, "code": app.recovery_codes[0]}
    assert client.post(PROVE, proof).status_code == 302
    assert client.get("/account/keys/new").status_code == 200


def test_a_person_with_a_passkey_proves_with_it(cast: Cast) -> None:
    key = with_passkey(cast.bob)
    client = logged_in(key)
    age(cast.bob, seconds=MOST + 1)
    proof = {"password": PASSWORD, "passkey": key.signed(asked_at(client, PROVE))}
    assert client.post(PROVE, proof).status_code == 302
    assert client.get("/account/keys/new").status_code == 200


def test_a_person_without_a_passkey_is_asked_for_none(cast: Cast) -> None:
    assert "data-asks" not in old_console(cast.bob).get(PROVE).content.decode()
    assert "data-asks" not in at_localhost(cast.bob).get(PROVE).content.decode()


@pytest.mark.requirement(24)
def test_too_many_wrong_proofs_are_429(cast: Cast) -> None:
    client = old_console(cast.bob)
    answers = [client.post(PROVE, {"password": "another walk"}) for _ in range(11)]
    assert [each.status_code for each in answers] == [403] * 10 + [429]
    assert int(answers[-1]["Retry-After"]) > 0


def test_the_page_leads_to_no_other_site(cast: Cast) -> None:
    client = old_console(cast.bob)
    for elsewhere in ("https://evil.example/", "//evil.example/", "javascript:alert(1)"):
        answer = client.post(PROVE, {"password": PASSWORD, "next": elsewhere})
        assert answer.headers["Location"] == "/account/"


def test_a_visitor_without_a_login_is_led_to_the_login_page(db: None) -> None:
    answer = Client(headers={"Accept": "text/html"}).get(f"{PROVE}?next=/account/keys/new")
    assert answer.headers["Location"] == "/account/login?next=%2Faccount%2Fkeys%2Fnew"


def test_a_login_that_has_ended_cannot_be_proven(cast: Cast) -> None:
    log_in(cast.bob)
    caller = caller_at(cast.bob, datetime.now(UTC))  # of a login that is not stored
    with pytest.raises(InvalidToken):
        prove_again(caller=caller, password=PASSWORD)
    assert not Event.objects.filter(name="session:confirmed").exists()


def test_the_admin_asks_before_it_makes_rotates_or_enables_a_key(cast: Cast) -> None:
    key = make_key(cast.bob, "services:read").row
    client = browser(cast.ada)
    age(cast.ada, seconds=MOST + 1)
    add, rows = "/admin/apikeys/apikey/add/", "/admin/apikeys/apikey/"
    assert leads_to_proof(client.get(add), add)
    for action in ("rotate", "enable"):
        sent = {"action": action, "_selected_action": [key.pk], "confirmed": "True"}
        assert leads_to_proof(client.post(rows, sent), rows)
    assert ApiKey.objects.count() == 1


def test_the_second_factors_of_others_are_removed_only_by_a_fresh_login(cast: Cast) -> None:
    enrolled(cast.bob)
    client = browser(cast.ada)
    age(cast.ada, seconds=MOST + 1)
    answer = act(client, "accounts_user", "remove_second_factor", cast.bob, confirmed="True")
    assert "Confirm that it is you" in answer.content.decode()
    assert SecondFactor.objects.filter(user=cast.bob, confirmed=True).exists()


def test_an_old_login_consents_to_no_client_that_could_make_keys(cast: Cast) -> None:
    browser = console_of(cast.bob)
    reads = Flow(make_client("services:read"), cast.bob, browser=browser).address()
    maker = Flow(make_client("keys:write"), cast.bob, scope="keys:write", browser=browser)
    makes = maker.address()
    assert [browser.get(each).status_code for each in (reads, makes)] == [200, 200]
    age(cast.bob, seconds=MOST + 1)
    assert browser.get(reads).status_code == 200
    for answer in (browser.get(makes), maker.answer(makes)):
        assert leads_to_proof(answer, makes)
    assert not Consent.objects.exists()
    assert "error=login_required" in browser.get(f"{makes}&prompt=none").headers["Location"]
    assert browser.post(PROVE, {"password": PASSWORD, "next": makes}).headers["Location"] == makes
    assert browser.get(makes).status_code == 200
    assert "code=" in maker.answer(makes).headers["Location"]


def test_an_old_login_gives_no_scopes_back_to_a_narrowed_key(cast: Cast) -> None:
    key = make_key(cast.bob, "services:read").row
    wider = {"scopes": [], "wider_scopes": ["services:read"], "narrowed_at": datetime.now(UTC)}
    ApiKey.objects.filter(pk=key.pk).update(**wider)
    client = old_console(cast.bob)
    address = f"/account/keys/{key.uuid}/widen"
    assert leads_to_proof(client.get(address), address)
    assert client.post(address, {"confirmed": "True"}).status_code == 401
    assert ApiKey.objects.get().scopes == []
    assert client.post(PROVE, {"password": PASSWORD}).status_code == 302
    assert client.post(address, {"confirmed": "True"}).status_code == 302
    assert ApiKey.objects.get().scopes == ["services:read"]
