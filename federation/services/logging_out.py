"""Use case of a provider that says that a person logged out there: their sessions here end, too.

So do their logins that are under way: federation.services.logouts.
"""

import hashlib

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.models import Session, SpentChallenge
from accounts.sessions.termination import end_sessions
from accounts.throttling.services import attempt, succeeded
from audit.actors import ANONYMOUS, Origin, Target
from audit.events import EventName
from audit.log import Entry, record_all
from config.limits import Limit
from federation.models import Identity, Provider
from federation.protocol.documents import metadata_of
from federation.protocol.faults import RefusedByProvider
from federation.protocol.id_tokens import LEEWAY, OLDEST
from federation.protocol.logout_tokens import WRONG, Claimed, LogoutToken, claimed, verified_logout
from federation.services.logouts import lock_providers_like, remember

PURPOSE = b"keyhouse provider logout "
DETAIL = {"by": "provider"}


def log_out_by_provider(*, logout_token: str, origin: Origin) -> int:
    """End the sessions for which the provider vouched, and return how many ended (Back-Channel Logout 2.7).

    A token counts once; sent again, it ends nothing. Own logins of the person stay. Raises TooManyAttempts,
    RefusedByProvider, ProviderFault or Busy.
    """
    attempt(Limit.PROVIDER_LOGIN, origin=origin)
    provider = _provider_of(claimed(logout_token))
    token = verified_logout(
        logout_token,
        metadata_of(provider.issuer),
        client_id=provider.client_id,
        algorithm=provider.algorithm,
        now=origin.at,
    )
    with transaction.atomic():
        ended = _ended(token, provider, origin)
        record_all(ended, actor=ANONYMOUS, origin=origin)
    succeeded(Limit.PROVIDER_LOGIN, origin=origin)
    return len(ended)


def _provider_of(claim: Claimed) -> Provider:
    """Return the provider that a token claims to come from. Raises RefusedByProvider.

    Organizations may share a client. Each must not stop the logouts of others with a wrong algorithm.
    """
    token = claim.token
    rows = Provider.objects.filter(issuer=token.iss, client_id__in=token.audience[:10])
    found = rows.filter(algorithm=claim.algorithm).order_by("pk").first()
    if found is None:
        raise RefusedByProvider(WRONG)
    return found


def _is_first(token: LogoutToken, provider: Provider) -> bool:
    """Spend the id of the token; return whether that was new."""
    digest = hashlib.sha256(PURPOSE + f"{provider.pk} {token.jti}".encode()).digest()
    ends_at = {"ends_at": int(token.iat) + OLDEST + 2 * LEEWAY}
    return SpentChallenge.objects.get_or_create(digest=digest, defaults=ends_at)[1]


def _ended(token: LogoutToken, provider: Provider, origin: Origin) -> list[Entry]:
    """End the sessions that the token is about, and return what is to be recorded.

    A login that looks for remembered logouts before this transaction is over waits for it.
    """
    same = lock_providers_like(provider)
    if not _is_first(token, provider):
        return []
    for each in same:
        remember(token, each, origin.at)
    entries = []
    for session in _meant(token, provider).select_related("user").order_by("pk"):
        if end_sessions(Session.objects.filter(pk=session.pk), origin.at):
            target = Target.of("session", session).about(user=session.user)
            entries.append(Entry(EventName.SESSION_ENDED, target, DETAIL))
    return entries


def _meant(token: LogoutToken, provider: Provider) -> QuerySet[Session]:
    """Return the open sessions that the token means: one at the provider, or all of a person.

    A session for which the provider named no `sid` ends with any token that names its person.
    """
    vouched = Session.objects.filter(
        organization__identity_provider__issuer=provider.issuer,
        organization__identity_provider__client_id=provider.client_id,
        ended_at=None,
    )
    if token.sub:
        known = Identity.objects.filter(issuer=provider.issuer, subject=token.sub)
        vouched = vouched.filter(user__in=known.values("user"))
    if not token.sid:
        return vouched
    unknown = Q(provider_session="") if token.sub else Q(pk=None)
    return vouched.filter(Q(provider_session=token.sid) | unknown)
