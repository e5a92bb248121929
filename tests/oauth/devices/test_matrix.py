"""Both doors of the device grant x role x place x credential: a client opens one, a login the other."""

import pytest

from tests.accounts.test_matrix import CREDENTIALS, PLACES, ROLES, api_of
from tests.conftest import Cast, add_user
from tests.console.helpers import console_of
from tests.oauth.devices.flow import ENTRY, Device, device_client
from tests.oauth.flow import BASE, FORM, make_client

pytestmark = [pytest.mark.once, pytest.mark.slow]


@pytest.mark.requirement(46, 175)
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("place", PLACES)
def test_the_doors_of_devices_open_to_clients_and_to_people_at_a_browser(
    role: str, place: str | None, cast: Cast
) -> None:
    where, _, inner = (place or "").partition(" ")
    user = add_user("somebody", role, memberships=[(getattr(cast, where), inner)] if place else [])
    page, mine, others = Device().page, device_client(), make_client(is_public=True)
    for credential in CREDENTIALS:
        client = api_of(user, credential).client
        for address in (ENTRY, page):
            for answer in (client.get(address), client.post(address, {"answer": "allow"})):
                assert (answer.status_code, answer["Location"][:14]) == (302, "/account/login"), credential
        for asked, status in ((mine, 200), (others, 400)):
            body = f"client_id={asked.row.client_id}"
            answer = client.post(f"{BASE}/device_authorization", body, content_type=FORM)
            assert answer.status_code == status, credential
    browser = console_of(user)
    assert [browser.get(address).status_code for address in (ENTRY, page)] == [200, 200]
