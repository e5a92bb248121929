"""A key with a history."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from apikeys.models import ApiKey, ScopeUse
from tests.conftest import Cast, make_key

NOW = timezone.now()
DAY = timedelta(days=1)
Watched = Callable[..., ApiKey]


@pytest.fixture
def watched(cast: Cast) -> Watched:
    """Make a key of alice's that was made 100 days ago, is used, and last needed these scopes then."""

    def make(*granted: str, **days_ago: int) -> ApiKey:
        key = make_key(cast.alice, *granted, name="robot")
        ApiKey.objects.filter(pk=key.row.pk).update(created_at=NOW - 100 * DAY, last_used_at=NOW)
        for scope, days in days_ago.items():
            at = NOW - days * DAY
            ScopeUse.objects.create(key=key.row, scope=scope.replace("_", ":"), last_used_at=at)
        return ApiKey.objects.get(pk=key.row.pk)

    return make
