"""Two appliers at once: one waits, and finds done what the other did."""

import io
import threading
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from access.key_limits import Budgets
from apikeys.models import ApiKey
from apikeys.quotas.models import QuotaLedger
from provisioning import applying
from tests.accounts.helpers import at_once
from tests.conftest import Cast
from tests.provisioning.conftest import FILE, Write, works
from webhooks.models import Webhook

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]


OWN = "quota: {day: 5}, keys: {CI: {scopes: [services:read]}}"
HOOK = "webhooks: {All: {url: 'https://hooks.example.org/'}}"


@pytest.mark.parametrize(
    ("text", "made", "secret"),
    [
        (f"organizations: {{Acme: {{{OWN}}}}}", "1 made, 1 changed", "Acme/CI.key"),
        (f"organizations: {{Initech: {{{OWN}}}}}", "2 made", "Initech/CI.key"),
        (HOOK, "1 made", "All.webhook_secret"),
    ],
    ids=["in one that is there", "in a new one", "outside"],
)
def test_two_appliers_make_everything_once(
    cast: Cast, write: Write, monkeypatch: pytest.MonkeyPatch, folder: Path, text: str, made: str, secret: str
) -> None:
    write(text)
    both_have_planned, apply_one = threading.Barrier(2), applying._apply

    def after_both_have_planned(*arguments: Any) -> applying.Applied:
        both_have_planned.wait(timeout=30)
        return apply_one(*arguments)

    monkeypatch.setattr(applying, "_apply", after_both_have_planned)

    def run(number: int) -> str:
        output = io.StringIO()
        call_command("apply", FILE, "--secrets-dir", f"secrets{number}", stdout=output)
        return output.getvalue().splitlines()[-1]

    assert sorted(at_once(run, times=2)) == sorted([made, "No changes."])
    kept = [path.read_text() for path in folder.glob(f"secrets*/{secret}")]
    assert len(kept) == 1
    if text == HOOK:
        assert Webhook.objects.get().organization is None
    else:
        assert works(kept[0]) and ApiKey.objects.count() == 1
        assert QuotaLedger.objects.get().budgets == Budgets(day=5)
