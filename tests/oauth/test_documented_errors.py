"""The errors of the OAuth2 endpoints in the OpenAPI document: those of RFC 6749, and problems."""

import json
from typing import Any

import pytest

from tests.conftest import Api
from tests.oauth.flow import BASE, FORM

ENDPOINTS = ("token", "revoke", "introspect")


@pytest.fixture
def document(db: None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Api().get("/schema").content)
    return found


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    ("sent", "status"),
    [("", 400), ("client_id=nobody&client_secret=a&grant_type=client_credentials&token=a", 401)],
)
def test_errors_of_clients_are_described_with_their_media_type(
    endpoint: str, sent: str, status: int, document: dict[str, Any]
) -> None:
    answer = Api().client.post(f"{BASE}/{endpoint}", sent, content_type=FORM)
    if (endpoint, sent) == ("introspect", ""):
        status = 401  # a client authenticates before it asks
    assert answer.status_code == status
    described = document["paths"][f"{BASE}/{endpoint}"]["post"]["responses"][str(status)]["content"]
    name = described[answer.headers["Content-Type"]]["schema"]["$ref"].rpartition("/")[2]
    form = document["components"]["schemas"][name]
    assert set(form["required"]) <= answer.json().keys() <= form["properties"].keys()


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_form_that_cannot_be_read_is_a_described_error(endpoint: str, document: dict[str, Any]) -> None:
    answer = Api().client.post(f"{BASE}/{endpoint}", "&".join("a=b" for _ in range(2000)), content_type=FORM)
    described = document["paths"][f"{BASE}/{endpoint}"]["post"]["responses"]
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] in described[str(answer.status_code)]["content"]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_all_other_errors_are_problems(endpoint: str, document: dict[str, Any]) -> None:
    answer = Api().client.get(f"{BASE}/{endpoint}")
    described = document["paths"][f"{BASE}/{endpoint}"]["post"]["responses"]["default"]["content"]
    assert (answer.status_code, [answer.headers["Content-Type"]]) == (405, list(described))
