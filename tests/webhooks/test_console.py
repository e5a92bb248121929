"""The pages of an organization's webhooks."""

import re

from tests.admin.helpers import ticket_of
from tests.config.outgoing.receiver import Receiver
from tests.conftest import Cast
from tests.console.helpers import console_of, text_of
from tests.webhooks.helpers import happen, new_webhook, send, verified
from webhooks.models import Webhook
from webhooks.services.webhooks import MOST_OF_ONE

SECRET = re.compile(r'id="new-secret">(whsec_[^<]+)<')


def test_an_owner_sets_a_webhook_up_tests_it_and_sees_what_came_of_it(cast: Cast, receiver: Receiver) -> None:
    browser, pages = console_of(cast.alice), f"/account/organizations/{cast.acme.uuid}/webhooks"
    form = {"url": receiver.url, "events": "api_key.revoked\napi_key.created", "description": "Ours"}
    made = browser.post(f"{pages}/new", form | ticket_of(browser, f"{pages}/new"))
    [secret] = SECRET.findall(text_of(made).replace("&#x3D;", "="))
    webhook = Webhook.objects.get()
    assert webhook.events == ["api_key.created", "api_key.revoked"]
    assert "Ours" in text_of(browser.get(pages))
    page = f"{pages}/{webhook.uuid}"
    assert secret not in text_of(browser.get(page))
    assert browser.post(page, {"action": "test"}).status_code == 302
    send()
    assert verified(receiver.received[0], secret)["type"] == "webhook.test"
    shown = text_of(browser.get(page))
    assert "webhook.test" in shown and ">200<" in shown
    assert "thank you" not in shown  # the body of the answer
    assert SECRET.search(text_of(browser.post(page, {"action": "rotate", **ticket_of(browser, page)})))
    browser.post(page, {"action": "disable"})
    assert "by hand" in text_of(browser.get(page))
    browser.post(page, {"action": "enable"})
    assert Webhook.objects.get().is_enabled
    assert "localhost" in text_of(browser.get(f"{page}/delete"))
    browser.post(f"{page}/delete")
    assert not Webhook.objects.exists()


def test_a_wrong_form_is_shown_again_with_what_is_wrong(cast: Cast) -> None:
    browser, page = console_of(cast.alice), f"/account/organizations/{cast.acme.uuid}/webhooks/new"
    wrong = {"url": "ftp://example.org/", "events": "nothing.happened", **ticket_of(browser, page)}
    answer = browser.post(page, wrong)
    assert answer.status_code == 400
    assert "must be a URL such as" in text_of(answer)
    wrong = {"url": "https://example.org/", "events": "nothing.happened", **ticket_of(browser, page)}
    answer = browser.post(page, wrong)
    assert "is not an event" in text_of(answer)
    assert not Webhook.objects.exists()


def test_a_form_that_is_sent_twice_sets_up_one_webhook(cast: Cast) -> None:
    browser, pages = console_of(cast.alice), f"/account/organizations/{cast.acme.uuid}/webhooks"
    for _ in range(MOST_OF_ONE):
        form = {"url": "https://hooks.example.org/", **ticket_of(browser, f"{pages}/new")}
        assert "new-secret" in text_of(browser.post(f"{pages}/new", form))
    again = browser.post(f"{pages}/new", form, follow=True)
    assert again.redirect_chain == [(f"{pages}/{Webhook.objects.latest('pk').uuid}", 302)]
    assert "already set up its webhook" in text_of(again) and "new-secret" not in text_of(again)
    assert Webhook.objects.count() == MOST_OF_ONE
    one_more = form | ticket_of(browser, f"{pages}/new")
    assert "delete one first" in text_of(browser.post(f"{pages}/new", one_more))
    assert Webhook.objects.count() == MOST_OF_ONE


def test_an_owner_changes_a_webhook_and_an_old_page_undoes_nothing(cast: Cast) -> None:
    row = new_webhook(cast.ada, "https://hooks.example.org/a", cast.acme, "api_key.revoked").row
    browser = console_of(cast.alice)
    page = f"/account/organizations/{cast.acme.uuid}/webhooks/{row.uuid}"
    assert f'href="{page}/edit"' in text_of(browser.get(page))
    form = browser.get(f"{page}/edit").context["form"]
    shown = {f"{prefix}{name}": form[name].value() for name in form.fields for prefix in ("", "initial-")}
    assert shown["url"] == "https://hooks.example.org/a" and shown["events"] == "api_key.revoked"
    Webhook.objects.filter(pk=row.pk).update(description="Somebody else's")
    browser.post(f"{page}/edit", shown)
    row.refresh_from_db()
    assert (row.subscriber, row.description, row.version) == (cast.ada, "Somebody else's", 1)
    changed = {"url": "https://hooks.example.org/b", "events": "api_key.expiring\r\napi_key.revoked"}
    assert browser.post(f"{page}/edit", shown | changed).status_code == 302
    row.refresh_from_db()
    assert row.url == "https://hooks.example.org/b"
    assert row.events == ["api_key.revoked", "api_key.expiring"] and row.description == "Somebody else's"
    assert row.subscriber == cast.alice


def test_a_wrong_change_is_said_beside_its_field_and_changes_nothing(cast: Cast) -> None:
    row = new_webhook(cast.alice, "https://hooks.example.org/a", cast.acme).row
    page = f"/account/organizations/{cast.acme.uuid}/webhooks/{row.uuid}/edit"
    answer = console_of(cast.alice).post(page, {"url": "https://10.0.0.1/", "events": "api_key.revoked"})
    assert answer.status_code == 400 and "url" in answer.context["form"].errors
    assert console_of(cast.audrey).post(page, {"url": "https://hooks.example.org/b"}).status_code == 403
    assert console_of(cast.mallory).get(page).status_code == 404
    row.refresh_from_db()
    assert (row.url, row.events) == ("https://hooks.example.org/a", [])


def test_those_who_may_not_read_the_events_see_no_webhooks(cast: Cast, receiver: Receiver) -> None:
    webhook = new_webhook(cast.alice, receiver, cast.acme).row
    pages = f"/account/organizations/{cast.acme.uuid}/webhooks"
    for person in (cast.bob, cast.mallory, cast.charlie):
        browser = console_of(person)
        for path in (pages, f"{pages}/new", f"{pages}/{webhook.uuid}"):
            assert browser.get(path).status_code in {403, 404}
        assert browser.post(f"{pages}/{webhook.uuid}/delete").status_code in {302, 403, 404}
    assert Webhook.objects.exists()


def test_an_auditor_sees_webhooks_and_changes_none(cast: Cast, receiver: Receiver) -> None:
    webhook = new_webhook(cast.alice, receiver, cast.acme).row
    happen(cast.acme)
    send()
    browser = console_of(cast.audrey)
    page = f"/account/organizations/{cast.acme.uuid}/webhooks/{webhook.uuid}"
    assert 'name="action"' not in text_of(browser.get(page))
    assert browser.post(f"{page}/delete").status_code == 403
    assert Webhook.objects.exists()
