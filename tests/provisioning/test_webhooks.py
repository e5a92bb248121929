"""Webhooks: a file names them by their descriptions."""

from pathlib import Path

import pytest

from access.callers import caller_at_command_line
from tests.commands.helpers import output_of, refusal_of
from tests.conftest import Cast
from tests.provisioning.conftest import Write, apply, changes, drift_of, refused
from webhooks.models import Webhook
from webhooks.services.webhooks import MOST_OF_ALL, MOST_OF_ONE, create_webhook

URL = "https://hooks.example.org/T0/s3cret"


def acme(webhooks: str) -> str:
    return f"organizations:\n  Acme:\n    webhooks:\n      {webhooks}\n"


def test_a_webhook_is_made_changed_and_deleted_as_the_file_says(
    cast: Cast, write: Write, folder: Path
) -> None:
    write(acme(f"Orders: {{url: '{URL}', events: [api_key.revoked]}}"))
    shown = drift_of().printed + apply("--secrets-dir", "secrets")
    assert "+ webhook Orders" in shown and "hooks.example.org" in shown and "s3cret" not in shown
    assert (folder / "secrets/Acme/Orders.webhook_secret").read_text().startswith("whsec_")
    row = Webhook.objects.get()
    assert (row.organization, row.description, row.url) == (cast.acme, "Orders", URL)
    assert (row.events, row.is_operators, row.is_enabled) == (["api_key.revoked"], True, True)
    assert drift_of("--prune").code == 0
    write(acme("Orders: {url: 'https://new.example.org/', disabled: true}"))
    assert "url: hooks.example.org (" in drift_of().printed
    apply()
    changed = Webhook.objects.get()
    assert (changed.pk, changed.secret) == (row.pk, row.secret)
    assert (changed.url, changed.events, changed.is_enabled) == ("https://new.example.org/", [], False)
    write(acme("Orders: {url: 'https://new.example.org/'}"))
    assert drift_of().code == 0, "a webhook that is disabled stays so unless the file says otherwise"
    write("organizations: {Acme: {webhooks: {}}}")
    apply("--prune")
    assert not Webhook.objects.exists()


def test_a_webhook_outside_all_organizations_is_made_changed_and_deleted_as_the_file_says(
    cast: Cast, write: Write, folder: Path
) -> None:
    own = create_webhook(caller=caller_at_command_line(), url=URL, organization=cast.acme, description="Own")
    write(f"webhooks:\n  All: {{url: '{URL}', events: [api_key.revoked]}}")
    shown = drift_of().printed + apply("--secrets-dir", "secrets")
    assert "outside all organizations\n  + webhook All" in shown and "s3cret" not in shown
    assert (folder / "secrets/All.webhook_secret").read_text().startswith("whsec_")
    row = Webhook.objects.get(organization=None)
    assert (row.description, row.url, row.events, row.is_operators) == ("All", URL, ["api_key.revoked"], True)
    assert drift_of("--prune").code == 0
    write("webhooks: {All: {url: 'https://new.example.org/', disabled: true}}")
    assert "url: hooks.example.org (" in drift_of().printed
    apply()
    changed = Webhook.objects.get(pk=row.pk)
    assert (changed.secret, changed.url, changed.is_enabled) == (
        row.secret,
        "https://new.example.org/",
        False,
    )
    write("organizations: {}")
    assert changes("--prune") == [], "a file without the section leaves them alone"
    write("webhooks: {}")
    assert changes("--prune") == [("delete", "webhook", "All")]
    apply("--prune")
    assert Webhook.objects.get() == own.row


def test_as_many_as_there_may_be_outside_are_replaced_in_one_apply(db: None, write: Write) -> None:
    write("webhooks: {" + ", ".join(f"Old{n}: {{url: '{URL}'}}" for n in range(MOST_OF_ALL)) + "}")
    apply("--secrets-dir", "secrets")
    write(f"webhooks:\n  New: {{url: '{URL}'}}")
    assert "keyhouse.yaml:2: New: url: there are 20 webhooks here" in refused("--secrets-dir", "secrets")
    apply("--prune", "--secrets-dir", "secrets")
    assert Webhook.objects.get().description == "New"


def test_two_of_one_name_outside_are_refused(db: None, write: Write) -> None:
    for _ in range(2):
        create_webhook(caller=caller_at_command_line(), url=URL, organization=None, description="All")
    write(f"webhooks: {{All: {{url: '{URL}'}}}}")
    said = "keyhouse.yaml: outside all organizations: webhooks: 2 are named All; rename all but one"
    assert said in refused()
    assert "2 are named All" in refusal_of("export")


def test_an_export_of_webhooks_plans_to_no_change(cast: Cast, write: Write) -> None:
    for name in ("Orders", ""):
        for organization in (cast.acme, None):
            create_webhook(
                caller=caller_at_command_line(), url=URL, organization=organization, description=name
            )
    write(output_of("export"))
    assert drift_of("--prune").code == 0


def test_as_many_as_there_may_be_are_replaced_in_one_apply(cast: Cast, write: Write) -> None:
    old = ", ".join(f"Old{number}: {{url: '{URL}'}}" for number in range(MOST_OF_ONE))
    write(f"organizations: {{Acme: {{webhooks: {{{old}}}}}}}")
    apply("--secrets-dir", "secrets")
    write(acme(f"New: {{url: '{URL}'}}"))
    assert "keyhouse.yaml:4: New: url: there are 5 webhooks here" in refused("--secrets-dir", "secrets")
    apply("--prune", "--secrets-dir", "secrets")
    assert Webhook.objects.get().description == "New"
    assert changes("--prune") == []


@pytest.mark.parametrize(
    ("webhook", "said"),
    [
        ("{}", "Orders.url: must be a URL such as https://example.org/hooks"),
        ("{url: 'http://example.org/'}", "Orders.url: must begin with https://"),
        (f"{{url: '{URL}', events: [key.gone]}}", "Orders.events: has key.gone, which is not an event"),
    ],
)
def test_a_webhook_that_cannot_be_is_named_with_its_line(
    db: None, write: Write, webhook: str, said: str
) -> None:
    write(acme(f"Orders: {webhook}"))
    assert f"keyhouse.yaml:4: organizations.Acme.webhooks.{said}" in refused(command="plan")
    write(f"webhooks:\n  Orders: {webhook}")
    assert f"keyhouse.yaml:2: webhooks.{said}" in refused(command="plan")
