"""What a provider says counts only if all of it is right."""

import hmac
import json
import time
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from django.utils import timezone
from joserfc.jwk import ECKey
from pytest_django.fixtures import Settings

from accounts.models import Session
from config.wire.errors import Invalid
from federation.models import Identity
from federation.protocol import documents
from federation.protocol.faults import ProviderFault
from federation.services.providers import ProviderSettings, set_provider
from tests.accounts.helpers import caller_as
from tests.conftest import Cast
from tests.federation.conftest import set_up
from tests.federation.fake import FakeProvider, back, key, logs_in
from tests.federation.real import Browser

pytestmark = pytest.mark.once


def _part(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


LONG_AGO = int(time.time()) - 86_400


def test_an_honest_answer_logs_in(cast: Cast, fake: FakeProvider) -> None:
    set_up(cast, fake.issuer)
    assert logs_in(fake).status_code == 302
    assert Session.objects.filter(organization=cast.acme).count() == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://other.example"},
        {"iss": None},
        {"aud": "another client"},
        {"aud": ["keyhouse", "another client"]},  # without azp
        {"azp": "another client"},
        {"exp": LONG_AGO},
        {"exp": None},
        {"iat": LONG_AGO},
        {"iat": None},
        {"iat": LONG_AGO + 2 * 86_400},
        {"nonce": "of another login"},
        {"nonce": None},
        {"sub": None},
        {"sub": 7},
        {"at_hash": "of another access token"},
        {"sub": ""},
        {"sub": "a\x00b"},
        {"sub": "x" * 256},
        {"auth_time": float("nan")},
        {"auth_time": 10**20},
        {"email": 7},
        {"amr": "mfa"},
    ],
    ids=str,
)
@pytest.mark.requirement(166)
def test_a_wrong_claim_is_refused(changed: dict[str, Any], cast: Cast, fake: FakeProvider) -> None:
    set_up(cast, fake.issuer)
    assert logs_in(fake, **changed).status_code == 502
    assert not Identity.objects.exists()


@pytest.mark.requirement(166)
def test_only_the_chosen_algorithm_and_a_published_key_count(cast: Cast, fake: FakeProvider) -> None:
    set_up(cast, fake.issuer)
    stranger, curve = key("stranger"), ECKey.generate_key("P-256", {"kid": "curve"})
    fake.keys.append(curve)
    for signer, header in (
        (curve, {"alg": "ES256"}),
        (stranger, {}),
        (stranger, {"kid": "first"}),
        (key(), {"typ": "logout+jwt"}),
    ):
        browser = Browser()
        address = browser.begins()
        fake.says(fake.claims(address), signed_by=signer, **header)
        assert browser.comes_back(back(address)).status_code == 502, header
    browser = Browser()
    address = browser.begins()
    fake.says(fake.claims(address))
    _, claims, _ = fake.id_token.split(".")
    fake.id_token = f"{_part(json.dumps({'alg': 'none'}).encode())}.{claims}."
    assert browser.comes_back(back(address)).status_code == 502
    browser = Browser()
    address = browser.begins()
    fake.says(fake.claims(address))
    _, claims, _ = fake.id_token.split(".")
    signed = f"{_part(json.dumps({'alg': 'HS256', 'kid': 'first'}).encode())}.{claims}"
    signature = hmac.digest(key().as_pem(private=False), signed.encode(), "sha256")
    fake.id_token = f"{signed}.{_part(signature)}"
    assert browser.comes_back(back(address)).status_code == 502
    assert not Identity.objects.exists()


@pytest.mark.requirement(165)
def test_another_issuer_in_the_answer_is_refused_and_its_code_sent_nowhere(
    cast: Cast, fake: FakeProvider
) -> None:
    fake.metadata["authorization_response_iss_parameter_supported"] = True
    set_up(cast, fake.issuer)
    for iss in ("https://other.example", ""):
        browser = Browser()
        address = browser.begins()
        fake.says(fake.claims(address))
        assert browser.comes_back(back(address, iss=iss)).status_code == 403
    assert fake.asked["/token"] == 0
    browser = Browser()
    address = browser.begins()
    fake.says(fake.claims(address))
    assert browser.comes_back(back(address, iss=fake.issuer)).status_code == 302


@pytest.mark.requirement(165)
def test_a_wrong_state_or_an_error_ends_the_login(cast: Cast, fake: FakeProvider) -> None:
    set_up(cast, fake.issuer)
    for changed in ({"state": "another"}, {"state": ""}, {"code": ""}, {"error": "access_denied"}):
        browser = Browser()
        address = browser.begins()
        fake.says(fake.claims(address))
        assert browser.comes_back(back(address, **changed)).status_code == 403
    assert fake.asked["/token"] == 0


@pytest.mark.requirement(162)
@pytest.mark.parametrize("email", ["alice@example.org", "alice@sub.acme.example", "acme.example", None, "x"])
def test_an_address_of_another_domain_is_refused(email: str | None, cast: Cast, fake: FakeProvider) -> None:
    set_up(cast, fake.issuer)
    assert logs_in(fake, email=email).status_code == 403
    assert logs_in(fake, email_verified=False).status_code == 403
    assert not Identity.objects.exists()


@pytest.mark.requirement(167)
def test_providers_inside_are_not_asked_unless_the_operator_allows_it(
    cast: Cast, fake: FakeProvider, settings: Settings
) -> None:
    settings.PROVIDER_NETWORKS = ()
    for issuer in (fake.issuer, "http://169.254.169.254", "http://[::1]:80", "https://127.0.0.1"):
        with pytest.raises(ProviderFault):
            set_up(cast, issuer)
    with pytest.raises(Invalid, match="issuer"):
        set_up(cast, "file:///etc/passwd")
    assert not fake.asked


@pytest.mark.requirement(167)
@pytest.mark.parametrize(
    "answer",
    [
        (200, b"not JSON"),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"issuer": "' + b"x" * documents.LARGEST + b'"}'),
        (500, b""),
        (302, b""),
    ],
    ids=lambda answer: str(answer)[:30],
)
def test_a_document_of_another_kind_is_refused(
    answer: tuple[int, bytes], cast: Cast, fake: FakeProvider
) -> None:
    fake.answers["/.well-known/openid-configuration"] = answer
    with pytest.raises(ProviderFault):
        set_up(cast, fake.issuer)
    fake.answers = {}
    documents.forget()
    set_up(cast, fake.issuer)
    fake.answers["/keys"] = answer
    assert logs_in(fake).status_code == 502


@pytest.mark.requirement(167)
def test_an_unknown_key_is_looked_for_at_most_once_a_minute(cast: Cast, fake: FakeProvider) -> None:
    set_up(cast, fake.issuer)
    for _ in range(3):
        browser = Browser()
        address = browser.begins()
        fake.says(fake.claims(address), signed_by=key("unknown"))
        assert browser.comes_back(back(address)).status_code == 502
    assert (fake.asked["/keys"], fake.asked["/.well-known/openid-configuration"]) == (1, 1)


def test_a_changed_issuer_ends_what_the_old_one_vouched_for(cast: Cast, fake: FakeProvider) -> None:
    provider = set_up(cast, fake.issuer)
    browser = Browser()
    assert logs_in(fake, browser).status_code == 302
    assert browser.here.get("/account/").status_code == 302  # the page of keys
    waiting = Browser()
    address = waiting.begins()
    fake.says(fake.claims(address))
    fake.metadata = {"issuer": f"{fake.issuer}/"}
    documents.forget()
    wanted = ProviderSettings(f"{fake.issuer}/", "keyhouse", None, "RS256")
    set_provider(caller=caller_as(cast.alice), organization=cast.acme, wanted=wanted)
    assert browser.here.get("/account/sessions").headers["Location"].startswith("/account/login")
    assert waiting.comes_back(back(address)).status_code == 403  # its code goes to no other issuer
    provider.refresh_from_db()
    assert provider.tested_at is None


@pytest.mark.requirement(171)
def test_a_login_is_as_old_as_the_provider_says(cast: Cast, fake: FakeProvider) -> None:
    set_up(cast, fake.issuer)
    browser = Browser()
    logs_in(fake, browser, auth_time=LONG_AGO)
    assert int(Session.objects.get(organization=cast.acme).proven_at.timestamp()) == LONG_AGO
    assert browser.here.get("/account/keys/new").headers["Location"].startswith("/account/prove?")
    for auth_time in (LONG_AGO, None):  # it was told to ask anew, and did not
        assert logs_in(fake, browser, auth_time=auth_time).status_code == 403
    assert logs_in(fake, browser, auth_time=time.time()).status_code == 302
    assert browser.here.get("/account/keys/new").status_code == 200
    assert logs_in(fake, auth_time=time.time() + 3600).status_code == 302  # its clock is wrong
    assert Session.objects.latest("pk").proven_at <= timezone.now()


@pytest.mark.requirement(168)
def test_the_secret_is_stored_encrypted_and_shown_nowhere(cast: Cast, fake: FakeProvider) -> None:
    provider = set_up(cast, fake.issuer)
    assert provider.secret and "secret of a client" not in provider.secret
    browser = Browser()
    browser.here.post("/account/login", {"identifier": "alice", "password": "a long walk to the lighthouse"})
    for page in ("", "/edit"):
        text = browser.here.get(f"/account/organizations/{cast.acme.uuid}/provider{page}").content.decode()
        assert "keyhouse" in text and "secret of a client" not in text and provider.secret not in text
