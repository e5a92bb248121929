"""Use cases of consents: given by people, withdrawn by them, ended because somebody has a copy of a code."""

from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from access.leases import wait_out_leases
from access.principals import Caller
from accounts.models import Session, User
from accounts.users.lookups import lock
from audit.actors import Actor, Origin, Target
from audit.events import EventName
from audit.log import Entry, record, record_all
from config import profiles
from config.wire.errors import InvalidToken, NotFound
from oauth.locks import lock_clients
from oauth.models import Consent, OAuthAccessToken, OAuthClient, OAuthCode
from oauth.protocol.tokens import digest

CODE_SECONDS = 60
CLEARED = 1000


class CodeTerms(NamedTuple):
    """What a code is bound to. `challenge` is of PKCE (S256), empty without; `nonce` of OpenID Connect."""

    redirect_uri: str
    challenge: str = ""
    nonce: str = ""


def give_consent(
    *, session: Session, client: OAuthClient, scopes: list[str], code: str, terms: CodeTerms, origin: Origin
) -> Consent:
    """Store a person's yes, and the code that the client gets for it. Raises NotFound or InvalidToken.

    The person must still be logged in when it is stored, and has proven what that login has proven by then;
    what has ended of theirs goes.
    """
    user, now = session.user, origin.at
    with transaction.atomic():
        lock(user)
        lock_clients([client])
        login = Session.objects.live(now).filter(pk=session.pk, user__is_active=True).first()
        if login is None:
            raise InvalidToken
        live = Consent.objects.filter(user=user).live(now)
        Consent.objects.filter(user=user).exclude(pk__in=live.values("pk")).delete()
        consent = Consent.objects.create(
            user=user,
            client=client,
            scopes=scopes,
            second_factor=login.second_factor,
            authenticated_at=login.created_at,
            created_at=now,
            last_used_at=now,
            expires_at=now + timedelta(seconds=profiles.active().login.session_seconds),
        )
        OAuthCode.objects.create(
            code=digest(code),
            consent=consent,
            application=client,
            user=user,
            expires=now + timedelta(seconds=CODE_SECONDS),
            redirect_uri=terms.redirect_uri,
            scope=" ".join(scopes),
            code_challenge=terms.challenge,
            code_challenge_method="S256" if terms.challenge else "",
            nonce=terms.nonce,
        )
        _record(EventName.CONSENT_GIVEN, _person(user), consent, origin, {"scopes": scopes})
    return consent


def end_replayed(*, consent: Consent, origin: Origin) -> None:
    """A code came a second time: somebody has a copy, so all tokens that came of it end (RFC 9700 4.5.3)."""
    end_consents(EventName.OAUTH_CODE_REPLAYED, client_as_actor(consent.client), [consent], origin)


def end_reused(*, consent: Consent, origin: Origin) -> None:
    """A refresh token came a second time: the whole family ends (RFC 9700 section 4.14.2)."""
    end_consents(EventName.REFRESH_TOKEN_REUSED, client_as_actor(consent.client), [consent], origin)


def withdraw_consent(*, caller: Caller, consent: Consent) -> None:
    """Take back a consent of the caller's, or, for those who manage people, of somebody else's.

    Raises NotFound.
    """
    withdraw_consents(caller=caller, selected=[consent])


def withdraw_consents(*, caller: Caller, selected: Collection[Consent]) -> int:
    """Take back consents as `withdraw_consent` does: all of them or none. Return how many that were.

    Those that are withdrawn already are let be.
    """
    visible = Consent.objects.visible_to(caller.principal)
    numbers = [consent.pk for consent in selected]
    if Consent.objects.filter(pk__in=numbers).exclude(pk__in=visible.values("pk")).exists():
        raise NotFound("There is no such consent.")
    return end_consents(EventName.CONSENT_WITHDRAWN, caller.principal.actor, selected, caller.origin)


def end_consents_of(user: User) -> None:
    """Take back all consents of a person, in the caller's transaction, who records why."""
    Consent.objects.filter(user=user).delete()


def unprove_consents_of(user: User) -> None:
    """Let no consent of a person count as given with a second factor, in the caller's transaction."""
    Consent.objects.filter(user=user, second_factor=True).update(second_factor=False)


def clear_ended() -> int:
    """Delete consents and access tokens that are too old to be used; return how many rows went.

    At most CLEARED of each, and without waiting for anybody. Nothing is recorded: they had ended before.
    """
    now = timezone.now()
    consents = _cleared(Consent.objects.filter(expires_at__lte=now))
    return consents + _cleared(OAuthAccessToken.objects.filter(expires__lte=now))


def _cleared(ended: QuerySet[Any]) -> int:
    if not ended.exists():  # SQLite would lock everybody out to find that out
        return 0
    with transaction.atomic():
        rows = ended.select_for_update(skip_locked=True)
        numbers = list(rows.values_list("pk", flat=True)[:CLEARED])
        return ended.filter(pk__in=numbers).delete()[0]


def end_consents(name: EventName, actor: Actor, consents: Iterable[Consent], origin: Origin) -> int:
    """Delete consents, and with them all codes and tokens that came of them; each is recorded once."""
    with transaction.atomic():
        in_order = sorted(consents, key=lambda consent: (consent.user_id, consent.pk))
        for consent in in_order:
            lock(consent.user)
        targets = [(consent.pk, target_of(consent)) for consent in in_order]
        ended = [target for pk, target in targets if Consent.objects.filter(pk=pk).delete()[0]]
        record_all([Entry(name, target) for target in ended], actor=actor, origin=origin)
        wait_out_leases()  # the request that ended the others may still be waiting
    return len(ended)


def _record(
    name: EventName, actor: Actor, consent: Consent, origin: Origin, detail: dict[str, list[str]]
) -> None:
    record(name, actor=actor, origin=origin, target=target_of(consent), detail=detail)


def target_of(consent: Consent) -> Target:
    return Target.of("consent", consent).about(user=consent.user, oauth_client=consent.client)


def _person(user: User) -> Actor:
    return Actor("user", str(user.uuid), str(user))


def client_as_actor(client: OAuthClient) -> Actor:
    return Actor("oauth2", str(client.uuid), str(client))
