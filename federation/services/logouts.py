"""The logouts at providers that are remembered: a login that is under way when one arrives ends with it."""

from datetime import datetime

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_noop

from accounts.users.lookups import lock
from config.database.retention import delete_some
from federation.models import Logout, Provider
from federation.protocol.faults import RefusedByProvider
from federation.protocol.flow import SECONDS
from federation.protocol.id_tokens import LEEWAY
from federation.protocol.logout_tokens import LogoutToken
from federation.services.vouching import Vouched

# A login comes back from the provider within SECONDS, and may wait as long for the account's own password.
KEPT_SECONDS = 2 * SECONDS + LEEWAY
MOST_KEPT = 10_000  # of one provider; one more ends the memory of the oldest

LOGGED_OUT = gettext_noop("You were logged out at your identity provider meanwhile. Begin the login again.")


def lock_providers_like(provider: Provider) -> list[Provider]:
    """Lock all providers with the same client: a logout is one of each. Their logins wait meanwhile."""
    same = Provider.objects.filter(issuer=provider.issuer, client_id=provider.client_id)
    return list(same.select_for_update().order_by("pk"))


def remember(token: LogoutToken, provider: Provider, now: datetime) -> None:
    """Remember a logout at a locked provider, so that the ids of its logouts say their order."""
    ends_at = int(now.timestamp()) + KEPT_SECONDS
    Logout.objects.create(provider=provider, subject=token.sub, sid=token.sid, ends_at=ends_at)
    oldest = provider.logouts.order_by("-pk").values_list("pk", flat=True)[MOST_KEPT : MOST_KEPT + 1].first()
    if oldest is not None:
        provider.logouts.filter(pk__lte=oldest).delete()


def newest_of(provider: Provider) -> int:
    """Return the newest logout that is known; 0 without one. The provider's next word is newer."""
    return provider.logouts.order_by("-pk").values_list("pk", flat=True).first() or 0


def check_still_logged_in(vouched: Vouched, provider: Provider) -> None:
    """Let no logout of this provider arrive before the transaction ends.

    Raises RefusedByProvider if one has arrived after the provider was asked about this login, or names its
    session; or NotFound if the provider was removed.
    """
    lock(provider.organization)
    if _meant(vouched, lock(provider)):
        raise RefusedByProvider(LOGGED_OUT)


def clear_ended() -> None:
    """Delete some logouts that no login can meet any more."""
    delete_some(Logout.objects.filter(ends_at__lte=int(timezone.now().timestamp())))


def _meant(vouched: Vouched, provider: Provider) -> bool:
    """Whether a logout means this login, by the same rule as for a session that it has opened."""
    is_newer, is_person = Q(pk__gt=vouched.heard), Q(subject=vouched.subject)
    if not vouched.sid:
        return provider.logouts.filter(is_newer & is_person).exists()
    is_session = Q(sid=vouched.sid)
    about = (is_person | Q(subject="")) & (is_session | Q(sid="") & is_newer)
    return provider.logouts.filter(about).exists()
