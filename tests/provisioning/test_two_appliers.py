"""Two appliers at once: one waits, and finds done what the other did."""

import io
import threading
from typing import Any

import pytest
from django.core.management import call_command

from accounts.models import Organization
from apikeys.models import ApiKey
from provisioning import applying
from tests.accounts.helpers import at_once
from tests.conftest import Cast
from tests.provisioning.conftest import FILE, Write, works

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]


@pytest.mark.parametrize("name", ["Acme", "Initech"], ids=["that is there", "that is new"])
def test_two_appliers_make_one_key_in_an_organization(
    cast: Cast, write: Write, monkeypatch: pytest.MonkeyPatch, name: str, folder: Any
) -> None:
    write(f"organizations: {{{name}: {{keys: {{CI: {{scopes: [services:read]}}}}}}}}")
    both_have_planned, apply_one = threading.Barrier(2), applying._apply

    def after_both_have_planned(*arguments: Any) -> applying.Applied:
        both_have_planned.wait(timeout=30)
        return apply_one(*arguments)

    monkeypatch.setattr(applying, "_apply", after_both_have_planned)

    def run(number: int) -> str:
        output = io.StringIO()
        call_command("apply", FILE, "--secrets-dir", f"secrets{number}", stdout=output)
        return output.getvalue().splitlines()[-1]

    made = "1 made" if name == "Acme" else "2 made"
    assert sorted(at_once(run, times=2)) == sorted([made, "No changes."])
    assert ApiKey.objects.get().owner == Organization.objects.get(name=name)
    (secret,) = folder.glob("secrets*/*/CI.key")
    assert works(secret.read_text())
