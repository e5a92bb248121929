"""Keys that are made through an OAuth2 token end with it, however that ends."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from access.principals import Caller
from accounts.mail.delivery import send_due
from accounts.models import Organization, User
from accounts.organizations.services import delete_organization
from accounts.users.changes import UserChanges
from accounts.users.services import delete_user, update_user
from apikeys.made_through import TOKEN_ENDED, why_revoked
from apikeys.models import ApiKey
from apikeys.services.rotation import rotate_api_key
from audit.models import Event
from oauth.models import Consent, OAuthAccessToken, OAuthClient
from oauth.services.clients import delete_clients, replace_secret
from oauth.services.consents import clear_ended, withdraw_consents
from tests.accounts.authenticator import enrolled
from tests.accounts.helpers import caller_as, rows_are_locked, waiting
from tests.accounts.mailbox import Mailbox, token_in
from tests.admin.helpers import page, text_of
from tests.conftest import PASSWORD, Api, Cast, add_user, as_user, assert_problem, with_key
from tests.logins import browser
from tests.oauth.flow import Flow, gateway, machine_token, make_client, post, with_token

SCOPES = ("keys:write", "services:read")


def soon(**length: float) -> str:
    return (datetime.now(UTC) + timedelta(**length)).isoformat()


def made_by(api: Api, owner: Organization | None = None, **more: Any) -> str:
    """The text of a key that somebody has made with their credential."""
    sent: dict[str, Any] = {"name": "made", "scopes": list(SCOPES), "expires_at": soon(minutes=10), **more}
    if owner is not None:
        sent["organization"] = str(owner.uuid)
    answer = api.post("api-keys", sent)
    assert answer.status_code == 201, answer.content
    text: str = answer.json()["key"]
    return text


class Made:
    """What bob's client has made: a key, a key made by that, and one that the key has rotated to."""

    def __init__(self, user: User) -> None:
        self.flow = Flow(make_client(*SCOPES), user, scope=" ".join(SCOPES))
        self.code = self.flow.code()
        self.tokens = self.flow.exchange(self.code).json()
        self.first = made_by(with_token(self.tokens))
        self.child = made_by(with_key(self.first), expires_at=soon(minutes=5))
        other = made_by(with_token(self.tokens))
        row = ApiKey.objects.get(pk=ApiKey.objects.latest("pk").pk)
        rotated = with_key(other).post(f"api-keys/{row.uuid}/rotate", {"expires_at": soon(minutes=5)})
        assert rotated.status_code in {200, 201}, rotated.content
        self.rotated = rotated.json()["key"]

    def statuses(self) -> list[int]:
        return [gateway(text) for text in (self.first, self.child, self.rotated)]


def reset_password(made: Made, operator: Caller, mailbox: Mailbox) -> None:
    Api().post("auth/forgot-password", {"email": made.flow.user.email})
    send_due()
    sent = {"token": token_in(mailbox.to(made.flow.user.email)[-1]), "new_password": f"{PASSWORD}, again"}
    assert Api().post("auth/reset-password", sent).status_code == 200


def replay(made: Made, operator: Caller, mailbox: Mailbox) -> None:
    assert made.flow.exchange(made.code).status_code == 400


def reuse(made: Made, operator: Caller, mailbox: Mailbox) -> None:
    for status in (200, 400):
        assert made.flow.refresh(made.tokens["refresh_token"]).status_code == status


def revoke(made: Made, operator: Caller, mailbox: Mailbox) -> None:
    assert post("revoke", made.flow.client, token=made.tokens["refresh_token"]).status_code == 200


ENDINGS: dict[str, Callable[[Made, Caller, Mailbox], object]] = {
    "withdrawn": lambda made, operator, box: withdraw_consents(
        caller=caller_as(made.flow.user), selected=Consent.objects.all()
    ),
    "reset": reset_password,
    "deactivated": lambda made, operator, box: update_user(
        caller=operator, user=made.flow.user, changes=UserChanges(is_active=False)
    ),
    "second factor added": lambda made, operator, box: enrolled(made.flow.user),
    "code replayed": replay,
    "refresh token reused": reuse,
    "token revoked": revoke,
    "client deleted": lambda made, operator, box: delete_clients(
        caller=operator, selected=[made.flow.client.row]
    ),
}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.requirement(102)
def test_a_key_made_through_a_token_ends_with_the_consent(
    cast: Cast, operator: Caller, mailbox: Mailbox, lease: Callable[[float], None], ending: str
) -> None:
    lease(1e-9)  # what is remembered is trusted as long as no epoch begins
    made = Made(cast.bob)
    assert made.statuses() == [200] * 3
    ENDINGS[ending](made, operator, mailbox)
    assert made.statuses() == [401] * 3
    ended = ApiKey.objects.exclude(revoked_reason="rotated")
    assert {why_revoked(row) for row in ended} == {TOKEN_ENDED}


@pytest.mark.requirement(102)
def test_reactivating_revives_no_key_of_a_client(cast: Cast, operator: Caller) -> None:
    made = Made(cast.bob)
    for is_active in (False, True):
        update_user(caller=operator, user=cast.bob, changes=UserChanges(is_active=is_active))
    assert made.statuses() == [401] * 3


@pytest.mark.parametrize("ending", ["secret replaced", "client deleted", "owner deleted", "token revoked"])
@pytest.mark.requirement(102)
def test_a_key_of_a_machine_ends_with_the_client_and_its_secret(
    cast: Cast, operator: Caller, lease: Callable[[float], None], ending: str
) -> None:
    lease(1e-9)  # what is remembered is trusted as long as no epoch begins
    owner = cast.umbrella if ending == "owner deleted" else cast.acme
    machine = make_client(*SCOPES, owner=owner)
    tokens = machine_token(machine)
    text = made_by(with_token(tokens))
    assert gateway(text) == 200
    match ending:
        case "secret replaced":
            replace_secret(caller=operator, client=machine.row)
        case "client deleted":
            delete_clients(caller=operator, selected=[machine.row])
        case "owner deleted":
            ApiKey.objects.update(organization=cast.acme)  # an organization with keys is not deleted
            delete_organization(caller=operator, organization=cast.umbrella)
        case _:
            assert post("revoke", machine, token=tokens["access_token"]).status_code == 200
    assert gateway(text) == 401


@pytest.mark.requirement(102)
def test_an_organization_s_key_made_through_a_person_s_token_ends_with_that(
    cast: Cast, operator: Caller
) -> None:
    ada = Flow(make_client(*SCOPES), cast.ada, scope=" ".join(SCOPES))
    text = made_by(with_token(ada.tokens()), cast.acme)
    add_user("root", "admin")
    delete_user(caller=operator, user=cast.ada)
    assert gateway(text) == 401
    assert ApiKey.objects.get().status(datetime.now(UTC)) == "revoked"


def test_a_refresh_leaves_the_keys_of_the_token_before_alone(cast: Cast) -> None:
    made = Made(cast.bob)
    assert made.flow.refresh(made.tokens["refresh_token"]).status_code == 200
    assert made.statuses() == [200] * 3


def test_a_key_whose_token_has_expired_is_expired_and_not_revoked(cast: Cast) -> None:
    Made(cast.bob)
    past = datetime.now(UTC) - timedelta(seconds=1)
    ApiKey.objects.update(created_at=past - timedelta(hours=1), expires_at=past, revoked_at=None)
    OAuthAccessToken.objects.update(expires=past)
    clear_ended()
    assert not OAuthAccessToken.objects.exists()
    assert {row.status(datetime.now(UTC)) for row in ApiKey.objects.all()} == {"expired"}


def test_what_a_person_rotates_is_theirs_and_no_client_s(cast: Cast, operator: Caller) -> None:
    flow = Flow(make_client(*SCOPES), cast.bob, scope=" ".join(SCOPES))
    made_by(with_token(flow.tokens()))
    new = rotate_api_key(caller=caller_as(cast.bob), key=ApiKey.objects.get(), expires_at=None)
    withdraw_consents(caller=operator, selected=Consent.objects.all())
    assert gateway(new.text) == 200


def test_people_see_why_the_key_ended(cast: Cast, operator: Caller) -> None:
    flow = Flow(make_client(*SCOPES), cast.bob, scope=" ".join(SCOPES))
    made_by(with_token(flow.tokens()))
    key = ApiKey.objects.get()
    withdraw_consents(caller=operator, selected=Consent.objects.all())
    assert as_user(cast.bob).get(f"api-keys/{key.uuid}").json()["status"] == "revoked"
    assert TOKEN_ENDED in text_of(browser(cast.ada).get(page("apikeys_apikey_change", key.pk)))
    assert Event.objects.latest("sequence").name in {"consent:withdrawn", "login:succeeded"}


@rows_are_locked
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ending", ["withdrawn", "client deleted"])
@pytest.mark.parametrize("act", ["create", "rotate"])
@pytest.mark.requirement(102)
def test_a_token_that_ends_at_this_moment_makes_no_key(
    cast: Cast, operator: Caller, mailbox: Mailbox, ending: str, act: str
) -> None:
    made = Made(cast.bob)
    api, before = with_token(made.tokens), ApiKey.objects.count()
    row = ApiKey.objects.earliest("pk")
    body = {"name": "late", "expires_at": soon(minutes=5)}
    path = "api-keys" if act == "create" else f"api-keys/{row.uuid}/rotate"
    sent = body if act == "create" else {"expires_at": body["expires_at"]}
    with waiting(
        lambda: api.post(path, sent), holding=lambda: ENDINGS[ending](made, operator, mailbox)
    ) as making:
        pass
    assert_problem(making.result(), 401, "invalid_token")
    assert ApiKey.objects.count() == before and made.statuses() == [401] * 3


@rows_are_locked
@pytest.mark.django_db(transaction=True)
@pytest.mark.requirement(102)
def test_a_client_that_is_deleted_while_its_token_makes_a_key_takes_it_along(
    cast: Cast, operator: Caller
) -> None:
    flow = Flow(make_client(*SCOPES), cast.bob, scope=" ".join(SCOPES))
    api = with_token(flow.tokens())
    texts: list[str] = []
    with waiting(
        lambda: delete_clients(caller=operator, selected=[flow.client.row]),
        holding=lambda: texts.append(made_by(api)),
    ):
        pass
    assert not OAuthClient.objects.exists()
    assert gateway(texts[0]) == 401
