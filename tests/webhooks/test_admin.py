"""Setting a webhook up in the admin."""

import pytest
from django.urls import reverse

from tests.admin.helpers import errors_of, messages_of, text_of, ticket_of
from tests.conftest import Cast
from tests.logins import browser
from webhooks.models import Webhook

URL = "https://hooks.example.org/keyhouse"

pytestmark = pytest.mark.once


def new() -> str:
    return reverse("admin:webhooks_webhook_add")


def test_an_administrator_sets_up_webhooks_of_one_organization_and_of_all(cast: Cast) -> None:
    ada = browser(cast.ada)
    sent = {"url": URL, "organization": cast.acme.pk, "events": "api_key.revoked\r\napi_key.created"}
    made = ada.post(new(), sent | {"description": "Ours"} | ticket_of(ada, new())).context["made"]
    row = Webhook.objects.get()
    assert (row.organization, row.subscriber, row.description) == (cast.acme, cast.ada, "Ours")
    assert row.events == ["api_key.created", "api_key.revoked"]
    assert made.secret.startswith("whsec_")
    change = reverse("admin:webhooks_webhook_change", args=[row.pk])
    assert made.secret not in text_of(ada.get(change))
    ada.post(new(), {"url": URL, **ticket_of(ada, new())})
    assert Webhook.objects.filter(organization=None, events=[]).exists()


def test_an_owner_sets_up_webhooks_of_their_own_organization_alone(cast: Cast, strong_owners: None) -> None:
    alice = browser(cast.alice)
    assert "Umbrella" not in text_of(alice.get(new()))
    assert "required" in errors_of(alice.post(new(), {"url": URL}))["organization"]
    sent = {"url": URL, "organization": cast.umbrella.pk}
    assert "valid choice" in errors_of(alice.post(new(), sent))["organization"]
    sent = {"url": URL, "organization": cast.acme.pk, **ticket_of(alice, new())}
    assert alice.post(new(), sent).context["made"].secret
    assert Webhook.objects.get().organization == cast.acme


def test_what_is_wrong_is_said_beside_its_field(cast: Cast) -> None:
    ada = browser(cast.ada)
    wrong = {"url": "https://10.0.0.1/", "organization": cast.acme.pk, **ticket_of(ada, new())}
    assert "public address" in errors_of(ada.post(new(), wrong))["url"]
    unknown = wrong | {"url": URL, "events": "nothing.happened"}
    assert "is not an event" in errors_of(ada.post(new(), unknown))["events"]
    assert not Webhook.objects.exists()


def test_a_form_that_is_sent_twice_sets_up_one_webhook(cast: Cast) -> None:
    ada = browser(cast.ada)
    sent = {"url": URL, "organization": cast.acme.pk, **ticket_of(ada, new())}
    made = ada.post(new(), sent).context["made"]
    again = ada.post(new(), sent, follow=True)
    change = reverse("admin:webhooks_webhook_change", args=[made.row.pk])
    assert again.redirect_chain == [(change, 302)]
    assert "already set up its webhook" in messages_of(again)[0] and made.secret not in text_of(again)
    assert Webhook.objects.count() == 1


def test_those_who_change_nothing_set_up_no_webhook(cast: Cast) -> None:
    for person in (cast.audrey, cast.bob):
        assert browser(person).get(new()).status_code == 403
        assert browser(person).post(new(), {"url": URL}).status_code == 403
    assert not Webhook.objects.exists()
