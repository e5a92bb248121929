"""Redirect addresses of programs on the person's own machine, at whatever port is free (RFC 8252 7.3)."""

from typing import Any

import pytest

from oauth.models import OAuthCode
from tests.conftest import Cast
from tests.logins import log_browser_in
from tests.oauth.flow import Flow, make_client, parameters
from tests.oauth.tokens.test_codes import refused

pytestmark = pytest.mark.once

SAME = [
    ("http://127.0.0.1/back", "http://127.0.0.1:51004/back"),
    ("http://127.0.0.1:9000/back", "http://127.0.0.1:9001/back"),
    ("http://127.0.0.1:9000/back", "http://127.0.0.1/back"),
    ("http://127.0.0.1:9000/back", "http://127.0.0.1:65535/back"),
    ("http://127.0.0.1:9000", "http://127.0.0.1:1"),
    ("http://127.0.0.1", "http://127.0.0.1:9"),
    ("http://127.0.0.1:9000?x=1:2", "http://127.0.0.1:9001?x=1:2"),
    ("http://127.0.0.1/back?to=http://127.0.0.1:1/", "http://127.0.0.1:5/back?to=http://127.0.0.1:1/"),
    ("http://[::1]/back", "http://[::1]:51004/back"),
    ("http://[::1]:9000/back", "http://[::1]:9001/back"),
    ("http://localhost:9000/back", "http://localhost:9000/back"),
]
OTHERS = [
    *(
        ("http://127.0.0.1:9000/back", uri)
        for uri in (
            "http://127.0.0.1:9001/",
            "http://127.0.0.1:9001/back/",
            "http://127.0.0.1:9001/Back",
            "http://127.0.0.1:9001/back?x=1",
            "http://127.0.0.1:9001/back#",
            "http://127.0.0.1:9001//back",
            "https://127.0.0.1:9001/back",
            "HTTP://127.0.0.1:9001/back",
            "http:/127.0.0.1:9001/back",
            "http://127.0.0.1:0/back",
            "http://127.0.0.1:65536/back",
            "http://127.0.0.1:/back",
            "http://127.0.0.1:09001/back",
            "http://127.0.0.1:+1/back",
            "http://127.0.0.1:٩/back",
            "http://127.0.0.1:9001\\@evil.example.org/back",
            "http://127.0.0.1:1@evil.example.org/back",
            "http://127.0.0.1:9001.evil.example.org/back",
            "http://127.0.0.1.evil.example.org/back",
            "http://u@127.0.0.1:9001/back",
            "http://127.0.0.1:9001/back\n",
            "\nhttp://127.0.0.1:9001/back",
            "http://127.0.0.1:99999999999999999999/back",
            "http://127.0.0.1:9001:9002/back",
            "http://127.0.0.2:9000/back",
            "http://127.1:9000/back",
            "http://2130706433:9000/back",
            "http://0x7f.0.0.1:9000/back",
            "http://127.0.0.1.:9000/back",
            "http://[::1]:9000/back",
            "http://[::ffff:127.0.0.1]:9000/back",
            "http://localhost:9000/back",
            "http://0.0.0.0:9000/back",
        )
    ),
    ("http://[::1]:9000/back", "http://[0:0:0:0:0:0:0:1]:9000/back"),
    ("http://[::1]:9000/back", "http://127.0.0.1:9000/back"),
    ("http://localhost:9000/back", "http://localhost:9001/back"),
    ("http://localhost:9000/back", "http://127.0.0.1:9000/back"),
    ("https://127.0.0.1:9000/back", "https://127.0.0.1:9001/back"),
    ("https://app.example.org:9000/back", "https://app.example.org:9001/back"),
]


@pytest.mark.parametrize(("registered", "uri"), SAME)
@pytest.mark.parametrize("is_public", [True, False])
def test_the_port_of_a_loopback_address_varies(
    registered: str, uri: str, is_public: bool, cast: Cast
) -> None:
    flow = Flow(make_client(redirect_uris=[registered], is_public=is_public), cast.alice)
    address = flow.address(redirect_uri=uri)
    assert "/login?" in flow.browser.get(address)["Location"]
    log_browser_in(flow.browser, flow.user)
    answer = flow.answer(address)
    assert answer["Location"].startswith(uri.partition("?")[0])
    code = parameters(answer["Location"])["code"]
    if uri != registered:  # the code is bound to the port that was asked for
        refused(flow.exchange(code, redirect_uri=registered), "invalid_grant")
    assert flow.exchange(code, redirect_uri=uri).status_code == 200


@pytest.mark.parametrize(("registered", "uri"), OTHERS)
@pytest.mark.requirement(67)
def test_nothing_else_of_it_does(registered: str, uri: str, cast: Cast) -> None:
    flow = Flow(make_client(redirect_uris=[registered]), cast.alice)
    log_browser_in(flow.browser, flow.user)
    address = flow.address(redirect_uri=uri)
    answers: list[Any] = [flow.browser.get(address), flow.answer(address)]
    assert [(answer.status_code, "Location" in answer.headers) for answer in answers] == [(400, False)] * 2
    assert not OAuthCode.objects.exists()
