"""Texts of providers that break their reader, or that a database does not take."""

from base64 import urlsafe_b64encode

import pytest

from accounts.models import Session
from tests.conftest import Cast
from tests.federation.conftest import set_up
from tests.federation.fake import FakeProvider, logs_in
from tests.federation.test_back_channel_logout import sent

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


@pytest.mark.requirement(182)
@pytest.mark.parametrize(
    "claims",
    [
        '{"iss": "\\u0000", "aud": "a client", "iat": 1, "jti": "one", "events": {}}',
        '{"iss": "an issuer", "aud": ["\\u0000"], "iat": 1, "jti": "one", "events": {}}',
        '{"nonce": ' + "[" * 5_000 + "]" * 5_000 + "}",
    ],
    ids=["issuer", "audience", "nesting"],
)
def test_a_token_that_cannot_be_read_or_looked_up_is_refused(claims: str) -> None:
    parts = ('{"alg": "RS256"}', claims, "signature")
    assert sent(".".join(urlsafe_b64encode(each.encode()).decode().rstrip("=") for each in parts)) == 400


def test_a_session_at_the_provider_that_cannot_be_stored_is_unknown(cast: Cast, fake: FakeProvider) -> None:
    set_up(cast, fake.issuer)
    logs_in(fake, sid="a\0b")
    assert Session.objects.get(organization=cast.acme).provider_session == ""
