"""The token endpoint, with a code: it is good once, for a minute, for one client and one address."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone

from audit.events import EventName
from audit.models import Event
from oauth.models import Consent, OAuthAccessToken, OAuthCode, OAuthRefreshToken
from tests.accounts.helpers import at_once
from tests.conftest import Cast
from tests.oauth.flow import BASE, CALLBACK, FORM, Flow, gateway, make_client, post, verifier


def refused(answer: Any, error: str = "invalid_grant", status: int = 400) -> None:
    assert (answer.status_code, answer.json().get("error")) == (status, error), answer.content
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.requirement(68)
def test_a_code_used_twice_is_refused_and_its_tokens_are_dead(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    code = flow.code()
    tokens = flow.exchange(code).json()
    later = flow.refresh(tokens["refresh_token"]).json()
    assert gateway(tokens["access_token"]) == gateway(later["access_token"]) == 200
    refused(flow.exchange(code))
    assert gateway(tokens["access_token"]) == gateway(later["access_token"]) == 401
    refused(flow.refresh(later["refresh_token"]))
    event = Event.objects.get(name=EventName.OAUTH_CODE_REPLAYED)
    assert event.target_kind == "consent"
    assert code not in str(event.__dict__)


@pytest.mark.requirement(68)
def test_another_client_that_replays_it_ends_nothing(cast: Cast) -> None:
    flow, thief = Flow(make_client(), cast.alice), make_client(name="Thief")
    code = flow.code()
    tokens = flow.exchange(code).json()
    refused(Flow(thief, cast.alice, verifier=flow.verifier).exchange(code))
    assert gateway(tokens["access_token"]) == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.requirement(68)
def test_when_many_send_one_code_at_once_none_keeps_a_token(transactional_db: None, cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    code = flow.code()
    answers = at_once(lambda number: flow.exchange(code), times=6)
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400, 400, 400]
    assert not OAuthAccessToken.objects.exists() and not OAuthRefreshToken.objects.exists()


@pytest.mark.requirement(69)
def test_a_code_lives_a_minute(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    code = flow.code()
    row = OAuthCode.objects.get()
    assert timedelta(seconds=55) < row.expires - row.consent.created_at <= timedelta(seconds=60)
    OAuthCode.objects.update(expires=timezone.now() - timedelta(seconds=1))
    refused(flow.exchange(code))


@pytest.mark.requirement(69)
def test_a_code_is_good_for_its_client_and_its_address_alone(cast: Cast) -> None:
    client = make_client(redirect_uris=[CALLBACK, f"{CALLBACK}2"])
    flow = Flow(client, cast.alice)
    code = flow.code()
    refused(Flow(make_client(), cast.alice, verifier=flow.verifier).exchange(code))
    refused(flow.exchange(code, redirect_uri=f"{CALLBACK}2"))
    refused(flow.exchange(code, redirect_uri=None), "invalid_request")
    assert flow.exchange(code).status_code == 200


@pytest.mark.parametrize("address", [f"{CALLBACK}\0", "\0", "x" * 5000, "https://app.example.org/é"])
@pytest.mark.requirement(93)
def test_an_address_that_no_database_can_be_asked_for_is_that_of_no_code(address: str, cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    code = flow.code()
    refused(flow.exchange(code, redirect_uri=address))
    assert flow.exchange(code).status_code == 200


@pytest.mark.requirement(70)
def test_a_wrong_or_missing_verifier_is_refused(cast: Cast) -> None:
    for is_public in (True, False):
        flow = Flow(make_client(is_public=is_public), cast.alice)
        code = flow.code()
        refused(flow.exchange(code, code_verifier=None), "invalid_request")
        refused(flow.exchange(code, code_verifier=verifier()[0]))
        refused(flow.exchange(code, code_verifier="x"))
        assert flow.exchange(code).status_code == 200


@pytest.mark.parametrize("kind", ["password", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer", "x"])
@pytest.mark.requirement(71)
def test_there_is_no_other_grant(kind: str, cast: Cast) -> None:
    name = {"username": "alice", "password": "a long walk to the lighthouse", "assertion": "x"}
    refused(post("token", make_client(), grant_type=kind, **name), "unsupported_grant_type")


def test_a_machine_gets_no_code_and_a_client_of_people_no_token_of_its_own(cast: Cast) -> None:
    refused(post("token", make_client(), grant_type="client_credentials"), "unauthorized_client")
    machine = make_client("services:read", owner=cast.acme)
    refused(post("token", machine, grant_type="authorization_code", code="x"), "unauthorized_client")


@pytest.mark.requirement(72, 69)
def test_nothing_is_stored_that_could_be_used(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    code = flow.code()
    tokens = flow.exchange(code).json()
    texts = [code, tokens["access_token"], tokens["refresh_token"], flow.client.secret]
    assert [text[:4] for text in texts] == ["oac_", "oat_", "ort_", "ocs_"]
    rows: list[Any] = [OAuthCode, OAuthAccessToken, OAuthRefreshToken, Consent, type(flow.client.row), Event]
    stored = str([list(kind.objects.values()) for kind in rows])
    assert not [text for text in texts if text in stored or text[4:] in stored]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"grant_type=authorization_code",
        b"grant_type=authorization_code&grant_type=authorization_code&code=x",
        b"grant_type=authorization_code&code=x&code=y",
        b"grant_type=%ff&code=%00",
        b'{"grant_type": "authorization_code"}',
        b"grant_type=client_credentials&client=x&consent=y&user=1&session=2&spent=3",
        b"grant_type=refresh_token&refresh_token=%00&refresh_token_instance=x",
    ],
)
def test_a_malformed_request_is_an_error_of_the_rfc(body: bytes, cast: Cast) -> None:
    client = make_client()
    start = f"client_id={client.row.client_id}&client_secret={client.secret}&".encode()
    for sent in (body, start + body):
        answer = Flow(client, cast.alice).browser.post(f"{BASE}/token", sent, content_type=FORM)
        assert answer.status_code in {400, 401}
        assert "error" in answer.json()


@pytest.mark.parametrize(
    "name", ["grant_type", "code", "code_verifier", "redirect_uri", "client_id", "client_secret", "x"]
)
def test_a_parameter_that_stands_there_twice_is_refused(name: str, cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    members = {"grant_type": "authorization_code", "code": flow.code(), "redirect_uri": CALLBACK}
    members |= {"code_verifier": flow.verifier, "x": "y"}
    members |= {"client_id": flow.client.row.client_id, "client_secret": flow.client.secret}
    refused(sent_twice("token", members, name), "invalid_request")
    assert flow.exchange(members["code"]).status_code == 200


@pytest.mark.parametrize(
    ("endpoint", "name"),
    [("token", "refresh_token"), ("token", "scope"), ("revoke", "token"), ("introspect", "token")],
)
def test_a_refresh_a_revocation_and_an_introspection_refuse_a_parameter_that_is_sent_twice(
    endpoint: str, name: str, cast: Cast
) -> None:
    flow = Flow(make_client(), cast.alice)
    tokens = flow.tokens()
    members = {
        "grant_type": "refresh_token",
        "refresh_token": tokens["refresh_token"],
        "scope": "services:read",
    }
    members |= {"token": tokens["access_token"]}
    members |= {"client_id": flow.client.row.client_id, "client_secret": flow.client.secret}
    assert sent_twice(endpoint, members, name).status_code == 400
    assert gateway(tokens["access_token"]) == 200
    assert flow.refresh(tokens["refresh_token"]).status_code == 200


def sent_twice(endpoint: str, members: dict[str, str], name: str) -> Any:
    """The answer to a form in which the parameter `name` stands twice, the second time as it should be."""
    pairs = [(name, members[name]), *members.items()]
    return Client(raise_request_exception=False).post(
        f"{BASE}/{endpoint}", urlencode(pairs), content_type=FORM
    )


def test_what_a_client_sends_beside_changes_nothing(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    answer = flow.exchange(
        flow.code(), user="1", consent="1", scope="keys:write", scopes="keys:write", spent="1"
    )
    assert answer.status_code == 200
    assert answer.json()["scope"] == "services:read"
    assert OAuthAccessToken.objects.get().user == cast.alice


def test_a_code_of_somebody_deactivated_is_worth_nothing(cast: Cast) -> None:
    flow = Flow(make_client(), cast.alice)
    code = flow.code()
    type(cast.alice).objects.filter(pk=cast.alice.pk).update(is_active=False)
    refused(flow.exchange(code))
