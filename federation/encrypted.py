"""What identity providers and the logins there store encrypted with the seed keys."""

from django.db.models import QuerySet
from django.utils import timezone

from accounts.encrypted import Encrypted
from accounts.models import Session
from federation.models import Grant, Provider


def _providers() -> QuerySet[Provider]:
    return Provider.objects.exclude(secret="")


def _grants() -> QuerySet[Grant]:
    return Grant.objects.filter(session__in=Session.objects.live(timezone.now()))


COLUMNS = (
    Encrypted("secrets of identity providers", _providers, "secret"),
    Encrypted("refresh tokens of logins", _grants, "refresh_token"),
)
