"""tellowners: see what owners of keys would be told, or tell them now."""

from datetime import timedelta

from django.utils import timezone

from accounts.mail.delivery import send_due
from apikeys.models import ApiKey, KeyNotice
from tests.accounts.mailbox import Mailbox
from tests.commands.helpers import output_of, run
from tests.conftest import Cast, make_key

NOW = timezone.now()


def test_a_dry_run_lists_what_would_be_told_and_tells_nobody(cast: Cast, mailbox: Mailbox) -> None:
    key = make_key(cast.acme, name="robot")
    ApiKey.objects.update(expires_at=NOW + timedelta(days=5), created_at=NOW - timedelta(days=60))
    (told,) = run("tellowners", "--dry-run")
    assert told == {
        "kind": "expiring",
        "id": str(key.row.uuid),
        "name": "robot",
        "owner": "Acme",
        "people": ["alice@example.org"],
        "expires_at": told["expires_at"],
        "days": 7,
    }
    assert "robot" in output_of("tellowners", "--dry-run")
    assert not KeyNotice.objects.exists()
    assert run("tellowners") == [told]
    assert send_due().sent == 1  # without a wait for more to list
    assert mailbox.recipients == ["alice@example.org"]
    assert output_of("tellowners") == output_of("tellowners", "--dry-run") == "Nothing is due.\n"
