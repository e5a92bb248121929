"""Use cases of consents: people give and withdraw them; a replayed code or token ends them."""

from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from access.freshness import check_fresh_for, check_not_confined
from access.leases import wait_out_leases
from access.principals import Caller
from accounts.models import Session, User
from accounts.sessions.browser.login import person_in
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
    """What a code is bound to: the address, PKCE's challenge (S256) and OpenID Connect's nonce, if any."""

    redirect_uri: str
    challenge: str = ""
    nonce: str = ""


def give_consent(
    *, session: Session, client: OAuthClient, scopes: list[str], code: str, terms: CodeTerms, origin: Origin
) -> Consent:
    """Store a person's consent, and the code that the client gets for it.

    Raises NotFound, InvalidToken, NotAllowed for a confined login, or FreshProofRequired for scopes with
    which the client could make keys. The person's login must still be live; the consent counts as proven by a
    second factor if the login does. Ended consents of the person are deleted.
    """
    with transaction.atomic():
        consent = begin_consent(session=session, client=client, scopes=scopes, origin=origin)
        OAuthCode.objects.create(
            code=digest(code),
            consent=consent,
            application=client,
            user=consent.user,
            expires=origin.at + timedelta(seconds=CODE_SECONDS),
            redirect_uri=terms.redirect_uri,
            scope=" ".join(scopes),
            code_challenge=terms.challenge,
            code_challenge_method="S256" if terms.challenge else "",
            nonce=terms.nonce,
        )
        record_consent(consent, origin)
    return consent


def begin_consent(*, session: Session, client: OAuthClient, scopes: list[str], origin: Origin) -> Consent:
    """Lock the person and the client, and store a consent, in the caller's transaction.

    Raises as `give_consent`. The caller records it with `record_consent` when all is written.
    """
    user, now = session.user, origin.at
    lock(user)
    lock_clients([client])
    live_logins = Session.objects.live(now).filter(pk=session.pk, user__is_active=True)
    login = live_logins.select_related("user").first()
    if login is None:
        raise InvalidToken
    check_not_confined(person_in(login).credential)
    check_fresh_for(scopes, proven_at=login.proven_at, now=now)
    live = Consent.objects.filter(user=user).live(now)
    Consent.objects.filter(user=user).exclude(pk__in=live.values("pk")).delete()
    return Consent.objects.create(
        user=user,
        client=client,
        scopes=scopes,
        second_factor=login.second_factor,
        authenticated_at=login.proven_at,
        created_at=now,
        last_used_at=now,
        expires_at=now + timedelta(seconds=profiles.active().login.session_seconds),
    )


def record_consent(consent: Consent, origin: Origin, **device: str) -> None:
    """Record that a person gave a consent; `device` says from where the device asked, if one did."""
    detail = {"scopes": consent.scopes, **device}
    actor, target = _person(consent.user), target_of(consent)
    record(EventName.CONSENT_GIVEN, actor=actor, origin=origin, target=target, detail=detail)


def end_replayed(*, consent: Consent, origin: Origin) -> None:
    """End the consent of a code that was used twice: somebody has a copy (RFC 9700 section 4.5.3)."""
    end_consents(EventName.OAUTH_CODE_REPLAYED, client_as_actor(consent.client), [consent], origin)


def end_reused(*, consent: Consent, origin: Origin) -> None:
    """End the consent of a refresh token that was used twice (RFC 9700 section 4.14.2)."""
    end_consents(EventName.REFRESH_TOKEN_REUSED, client_as_actor(consent.client), [consent], origin)


def withdraw_consent(*, caller: Caller, consent: Consent) -> None:
    """Withdraw a consent of the caller, or of others if the caller manages people. Raises NotFound."""
    withdraw_consents(caller=caller, selected=[consent])


def withdraw_consents(*, caller: Caller, selected: Collection[Consent]) -> int:
    """Withdraw consents as `withdraw_consent` does, all or none. Return how many.

    Consents that were already withdrawn are skipped.
    """
    visible = Consent.objects.visible_to(caller.principal)
    numbers = [consent.pk for consent in selected]
    if Consent.objects.filter(pk__in=numbers).exclude(pk__in=visible.values("pk")).exists():
        raise NotFound("This consent does not exist.")
    return end_consents(EventName.CONSENT_WITHDRAWN, caller.principal.actor, selected, caller.origin)


def end_consents_of(user: User) -> None:
    """Delete all consents of a person in the caller's transaction; the caller records the reason."""
    Consent.objects.filter(user=user).delete()


def unprove_consents_of(user: User) -> None:
    """Treat no consent of a person as proven by a second factor, in the caller's transaction."""
    Consent.objects.filter(user=user, second_factor=True).update(second_factor=False)


def clear_ended() -> int:
    """Delete expired consents and access tokens, at most CLEARED of each; return how many rows.

    It does not wait for locks, and records nothing because the rows had already ended.
    """
    now = timezone.now()
    consents = _cleared(Consent.objects.filter(expires_at__lte=now))
    return consents + _cleared(OAuthAccessToken.objects.filter(expires__lte=now))


def _cleared(ended: QuerySet[Any]) -> int:
    if not ended.exists():  # without this, SQLite would take its write lock for nothing
        return 0
    with transaction.atomic():
        rows = ended.select_for_update(skip_locked=True)
        numbers = list(rows.values_list("pk", flat=True)[:CLEARED])
        return ended.filter(pk__in=numbers).delete()[0]


def end_consents(name: EventName, actor: Actor, consents: Iterable[Consent], origin: Origin) -> int:
    """Delete consents with their codes and tokens, and record each; return how many."""
    with transaction.atomic():
        in_order = sorted(consents, key=lambda consent: (consent.user_id, consent.pk))
        for consent in in_order:
            lock(consent.user)
        targets = [(consent.pk, target_of(consent)) for consent in in_order]
        ended = [target for pk, target in targets if Consent.objects.filter(pk=pk).delete()[0]]
        record_all([Entry(name, target) for target in ended], actor=actor, origin=origin)
        wait_out_leases()  # no-op changes wait, too: another request may have just made the change
    return len(ended)


def target_of(consent: Consent) -> Target:
    return Target.of("consent", consent).about(user=consent.user, oauth_client=consent.client)


def _person(user: User) -> Actor:
    return Actor("user", str(user.uuid), str(user))


def client_as_actor(client: OAuthClient) -> Actor:
    return Actor("oauth2", str(client.uuid), str(client))
