"""Who may set up webhooks, and what a webhook may be."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pytest_django.fixtures import DjangoAssertNumQueries, Settings

from accounts.models import Organization, User
from audit.events import EventName
from audit.models import Event
from config.outgoing.client import LONGEST_URL
from config.wire.errors import Conflict, DomainError, FreshProofRequired, Invalid, NotAllowed
from tests.accounts.helpers import at_once, caller_as
from tests.config.outgoing.receiver import Receiver
from tests.conftest import Api, Cast, as_user, assert_problem, make_cast, make_key, with_key
from tests.webhooks.helpers import happen, new_webhook, send
from webhooks.changes import WebhookChanges
from webhooks.models import Webhook
from webhooks.services.secrets import MOST_OLD, rotate_secret
from webhooks.services.webhooks import MOST_OF_ONE, create_webhook, update_webhook
from webhooks.urls_allowed import clean_url

URL = "https://hooks.example.org/keyhouse"
PATH = "/api/v1/webhooks"

pytestmark = pytest.mark.once


def made(api: Api, **members: Any) -> dict[str, Any]:
    answer = api.post(PATH, {"url": URL, **members})
    assert answer.status_code == 201, answer.content
    shown: dict[str, Any] = answer.json()
    return shown


def test_the_secret_is_shown_once(cast: Cast) -> None:
    api = as_user(cast.alice)
    shown = made(api, organization=str(cast.acme.uuid), events=["api_key.revoked"], description="Ours")
    assert shown["secret"].startswith("whsec_")
    again = api.get(f"{PATH}/{shown['id']}").json()
    assert again == {name: value for name, value in shown.items() if name != "secret"}
    assert again["organization"] == str(cast.acme.uuid)
    assert api.get(PATH).json()["results"] == [again]


def test_a_repeated_request_makes_no_second_webhook_and_shows_no_secret(cast: Cast) -> None:
    api, body = as_user(cast.alice), {"url": URL, "organization": str(cast.acme.uuid)}
    first, second = (api.post(PATH, body, headers={"Idempotency-Key": "one"}).json() for _ in range(2))
    assert second == {**first, "secret": None}
    assert Webhook.objects.count() == 1


def test_webhooks_are_seen_by_those_who_may_read_their_events(cast: Cast) -> None:
    made(as_user(cast.alice), organization=str(cast.acme.uuid))
    made(as_user(cast.ada))
    counts = {name: as_user(getattr(cast, name)).get(PATH) for name in ("ada", "audrey", "alice", "mallory")}
    assert {name: len(answer.json().get("results", ())) for name, answer in counts.items()} == {
        "ada": 2,
        "audrey": 2,
        "alice": 1,
        "mallory": 0,
    }


def test_only_those_who_manage_keys_and_read_events_set_up_webhooks(cast: Cast) -> None:
    own, other = str(cast.acme.uuid), str(cast.umbrella.uuid)
    assert_problem(as_user(cast.bob).post(PATH, {"url": URL, "organization": own}), 403, "not_allowed")
    assert_problem(as_user(cast.audrey).post(PATH, {"url": URL}), 403, "not_allowed")
    assert_problem(as_user(cast.alice).post(PATH, {"url": URL}), 403, "not_allowed")
    assert_problem(as_user(cast.alice).post(PATH, {"url": URL, "organization": other}), 400)


@pytest.mark.requirement(151)
def test_programs_set_up_no_webhooks(cast: Cast) -> None:
    key = make_key(cast.alice, "keys:write", "audit:read")
    answer = with_key(key).post(PATH, {"url": URL, "organization": str(cast.acme.uuid)})
    assert_problem(answer, 403)
    assert Webhook.objects.count() == 0


def test_an_old_login_sets_up_no_webhook(cast: Cast) -> None:
    fresh = caller_as(cast.alice)
    old = replace(fresh, origin=replace(fresh.origin, at=fresh.origin.at + timedelta(days=1)))
    with pytest.raises(FreshProofRequired):
        create_webhook(caller=old, url=URL, organization=cast.acme)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.org/",
        "ftp://hooks.example.org/",
        "hooks.example.org",
        "https://",
        "https://user:password@hooks.example.org/",
        "https://hooks.example.org/#part",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:10.0.0.1]/",
        "https://hooks.example.org/\x00",
        "https://hooks.example.org/" + "a" * 2_000,
    ],
)
def test_a_url_that_leads_nowhere_or_inside_is_refused(cast: Cast, settings: Settings, url: str) -> None:
    settings.WEBHOOK_NETWORKS = ()
    answer = as_user(cast.ada).post(PATH, {"url": url})
    assert_problem(answer, 400, member="url")
    assert Webhook.objects.count() == 0


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (
            "https://example.org/" + "a" * LONGEST_URL,
            f"A URL has at most {LONGEST_URL} characters, all of them ASCII, and no spaces.",
        ),
        ("ftp://example.org/", "must be a URL such as https://example.org/hooks"),
        ("http://example.org/", "must begin with https://"),
        ("https://10.1.2.3/", "must lead to a public address, or to a network that the operator allows"),
    ],
)
def test_the_refusal_of_a_url_says_what_would_be_right(settings: Settings, url: str, reason: str) -> None:
    settings.WEBHOOK_NETWORKS = ()
    assert clean_url(URL) == URL
    with pytest.raises(Invalid) as refused:
        clean_url(url)
    assert refused.value.errors == {"url": reason}


@pytest.mark.parametrize(
    "url", ["https://10.1.2.3/hook", "http://10.1.2.3/hook", "http://hooks.example.org/", "https://8.8.8.8/"]
)
def test_where_the_operator_allows_a_network_a_url_may_lead_there_and_need_no_tls(
    cast: Cast, settings: Settings, url: str
) -> None:
    settings.WEBHOOK_NETWORKS = ("10.0.0.0/8",)
    assert new_webhook(cast.ada, f" {url}\n", None).row.url == url
    with pytest.raises(Invalid, match="network that the operator allows"):
        new_webhook(cast.ada, "https://192.168.0.1/", None)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("events", ["api_key:revoked"]),
        ("events", ["nothing.happened"]),
        ("events", "api_key.revoked"),
        ("events", ["api_key.revoked"] * 500),
        ("description", "a\x00b"),
        ("description", "a" * 101),
        ("organization", "x"),
        ("secret", "whsec_"),
    ],
)
def test_a_wrong_member_is_named(cast: Cast, member: str, value: Any) -> None:
    answer = as_user(cast.ada).post(PATH, {"url": URL, member: value})
    assert_problem(answer, 400, member=member)
    assert Webhook.objects.count() == 0


def test_an_organization_has_at_most_five_webhooks(cast: Cast) -> None:
    for _ in range(MOST_OF_ONE):
        new_webhook(cast.alice, URL, cast.acme)
    with pytest.raises(Conflict, match="5 webhooks"):
        new_webhook(cast.alice, URL, cast.acme)
    new_webhook(cast.ada, URL, cast.umbrella)


def test_a_patch_changes_what_it_has_and_asks_for_the_version(cast: Cast) -> None:
    api = as_user(cast.alice)
    shown = made(api, organization=str(cast.acme.uuid))
    path = f"{PATH}/{shown['id']}"
    tag = api.get(path).headers["ETag"]
    changed = api.patch(path, {"events": ["api_key.revoked"], "enabled": False})
    assert (changed.json()["enabled"], changed.json()["disabled_because"]) == (False, "by_hand")
    assert changed.json()["events"] == ["api_key.revoked"]
    stale = {"If-Match": tag}
    assert_problem(api.patch(path, {"enabled": True}, headers=stale), 412)
    assert_problem(api.delete(path, headers=stale), 412)
    assert api.delete(path).status_code == 204
    names = Event.objects.filter(target_kind="webhook").order_by("sequence").values_list("name", flat=True)
    assert list(names) == ["webhook:created", "webhook:changed", "webhook:disabled", "webhook:deleted"]


def test_the_audit_log_has_no_path_of_a_url(cast: Cast) -> None:
    """Some receivers have a secret in it."""
    secret = "https://hooks.example.org/T0/B0/xoxsecret"
    row = new_webhook(cast.alice, secret, cast.acme).row
    changes = WebhookChanges(url=secret + "2")
    update_webhook(caller=caller_as(cast.alice), webhook=row, changes=changes)
    events = Event.objects.filter(target_kind="webhook")
    assert events.count() == 2
    for event in events:
        assert "xoxsecret" not in f"{event.detail} {event.target_label}"


def test_a_rotation_shows_the_new_secret_and_is_bounded(cast: Cast) -> None:
    api = as_user(cast.alice)
    shown = made(api, organization=str(cast.acme.uuid))
    path = f"{PATH}/{shown['id']}/rotate"
    secrets = [shown["secret"], *(api.post(path, {}).json()["secret"] for _ in range(MOST_OLD))]
    assert len(set(secrets)) == MOST_OLD + 1
    assert_problem(api.post(path, {}), 409, member="overlap_hours")
    assert api.post(path, {"overlap_hours": 0}).status_code == 200
    assert Webhook.objects.get().old_secrets == []
    assert_problem(api.post(path, {"overlap_hours": 169}), 400)


def test_deliveries_show_status_and_time_and_never_a_body(cast: Cast, receiver: Receiver) -> None:
    row = new_webhook(cast.alice, receiver, cast.acme, "api_key.revoked").row
    happen(cast.acme)
    send()
    (shown,) = as_user(cast.alice).get(f"{PATH}/{row.uuid}/deliveries").json()["deliveries"]
    assert shown.keys() == {"message_id", "event", "sent_at", "milliseconds", "status", "problem"}
    assert (shown["status"], shown["event"]) == (200, "api_key.revoked")
    assert_problem(as_user(cast.mallory).get(f"{PATH}/{row.uuid}/deliveries"), 403)


def test_a_disabled_webhook_takes_no_test(cast: Cast) -> None:
    api = as_user(cast.alice)
    path = f"{PATH}/{made(api, organization=str(cast.acme.uuid))['id']}"
    assert api.post(f"{path}/test").status_code == 202
    api.patch(path, {"enabled": False})
    assert_problem(api.post(f"{path}/test"), 409, member="enabled")


def test_a_list_takes_a_fixed_number_of_queries(
    cast: Cast, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(MOST_OF_ONE):
        new_webhook(cast.ada, URL, cast.acme)
    api = as_user(cast.ada)
    api.get(PATH)
    with django_assert_num_queries(2):
        assert len(api.get(PATH).json()["results"]) == MOST_OF_ONE


@pytest.mark.databases
@pytest.mark.django_db(transaction=True)
def test_at_once_no_more_webhooks_are_made_than_there_may_be() -> None:
    make_cast()
    alice, acme = User.objects.get(username="alice"), Organization.objects.get(name="Acme")

    def attempt(_: int) -> bool:
        try:
            new_webhook(alice, URL, acme)
        except DomainError:
            return False
        return True

    assert sum(at_once(attempt, times=MOST_OF_ONE + 3)) == MOST_OF_ONE


def test_a_short_rotation_overlap_shortens_those_before(cast: Cast) -> None:
    row = new_webhook(cast.alice, URL, cast.acme).row
    caller = caller_as(cast.alice)
    rotate_secret(caller=caller, webhook=row, overlap=timedelta(hours=100))
    rotate_secret(caller=caller, webhook=row, overlap=timedelta(hours=1))
    ends = {end for _, end in Webhook.objects.get().old_secrets}
    assert ends == {caller.origin.at.timestamp() + 3600}


def test_a_person_without_the_power_changes_nothing(cast: Cast) -> None:
    row = new_webhook(cast.alice, URL, cast.acme).row
    with pytest.raises(NotAllowed):
        update_webhook(caller=caller_as(cast.bob), webhook=row, changes=WebhookChanges(enabled=False))
    with pytest.raises(Invalid):
        update_webhook(caller=caller_as(cast.alice), webhook=row, changes=WebhookChanges(url="x"))
    assert Event.objects.filter(name=EventName.WEBHOOK_CHANGED).count() == 0
