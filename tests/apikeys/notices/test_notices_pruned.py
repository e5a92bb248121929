"""prune deletes old notices, and networks of keys that are gone."""

from datetime import timedelta

from django.utils import timezone

from apikeys.models import ApiKey, KeyNetwork, KeyNotice
from tests.commands.helpers import run
from tests.conftest import Cast, make_key

NOW = timezone.now()
DAY = timedelta(days=1)


def test_old_notices_and_networks_of_keys_that_are_gone_are_deleted(cast: Cast) -> None:
    key, gone = make_key(cast.alice), make_key(cast.bob)
    for each in (key, gone):
        KeyNetwork.objects.create(key=each.row, network="192.0.2.0/24", first_used_at=NOW)
    for age in (399, 401):
        KeyNotice.objects.create(key=key.row, kind="unused", mark=f"{age}", created_at=NOW - age * DAY)
    ApiKey.objects.get(pk=gone.row.pk).delete()
    pruned = run("prune")["pruned"]
    assert (pruned["networks_of_deleted_keys"], pruned["old_notices"]) == (1, 1)
    assert (KeyNetwork.objects.get().key, KeyNotice.objects.get().mark) == (ApiKey.objects.get(), "399")
