"""Use cases of OAuth2 tokens: issue them for a code, a refresh token or a machine, and revoke them."""

from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from access.leases import wait_out_leases
from accounts.sessions.issuing import record_issue
from audit.actors import Origin
from audit.events import EventName
from audit.log import record
from oauth.locks import lock_clients
from oauth.models import Consent, OAuthAccessToken, OAuthClient, OAuthCode, OAuthRefreshToken
from oauth.protocol.tokens import digest
from oauth.services.clients import client_target
from oauth.services.consents import client_as_actor, end_consents, target_of


class Tokens(NamedTuple):
    """New tokens in clear text; `refresh` is empty for machines."""

    access: str
    refresh: str = ""


def issue_tokens(
    *,
    client: OAuthClient,
    consent: Consent | None,
    scopes: list[str],
    tokens: Tokens,
    expires_at: datetime,
    origin: Origin,
    spent: OAuthRefreshToken | None = None,
) -> None:
    """Store the digests of new tokens for a consent, or for a machine's owner without one.

    Call it with the client locked, in the transaction that checked and locked the code or the refresh token.
    It spends the refresh token `spent` and records that; `spend_code` spends a code.
    """
    user, now = consent.user if consent else client.user, origin.at
    theirs = OAuthAccessToken.objects.filter(application=client, consent=consent)
    theirs.filter(expires__lte=now).delete()
    access = OAuthAccessToken(
        application=client, consent=consent, user=user, scope=" ".join(scopes), expires=expires_at
    )
    access._raw_token = tokens.access  # save() hashes it
    access.save()
    if consent is not None:
        Consent.objects.filter(pk=consent.pk).update(last_used_at=now)
        refresh = OAuthRefreshToken(application=client, consent=consent, user=consent.user)
        refresh._raw_token = tokens.refresh
        refresh.save()
    if spent is not None:
        OAuthRefreshToken.objects.filter(pk=spent.pk).update(revoked=now)
        _record_refresh(spent.consent, scopes, origin)
    elif consent is None:
        _record_machine(client, scopes, origin)


def _record_refresh(consent: Consent, scopes: list[str], origin: Origin) -> None:
    actor, target = client_as_actor(consent.client), target_of(consent)
    name, detail = EventName.OAUTH_TOKEN_REFRESHED, {"scopes": scopes}
    record_issue(name, consent, actor=actor, origin=origin, target=target, detail=detail)


def _record_machine(client: OAuthClient, scopes: list[str], origin: Origin) -> None:
    target = client_target(client)
    name, detail = EventName.OAUTH_TOKEN_ISSUED, {"scopes": scopes}
    record_issue(name, client, actor=client_as_actor(client), origin=origin, target=target, detail=detail)


def spend_code(*, consent: Consent, code: str, scopes: list[str], origin: Origin) -> None:
    """Mark a code (a digest) as spent after its tokens were issued, in the caller's transaction."""
    OAuthCode.objects.filter(code=code, consent=consent).update(spent_at=origin.at)
    actor, target = client_as_actor(consent.client), target_of(consent)
    record(EventName.OAUTH_TOKEN_ISSUED, actor=actor, origin=origin, target=target, detail={"scopes": scopes})


def revoke_token(*, client: OAuthClient, text: str, origin: Origin) -> None:
    """Revoke a token of this client, and all other tokens of its consent (RFC 7009 section 2.1).

    A text that is not a token of this client is ignored, and the caller cannot tell.
    """
    theirs = {"application": client, "token_checksum": digest(text)}
    with transaction.atomic():
        for kind in (OAuthAccessToken, OAuthRefreshToken):
            token = kind.objects.filter(**theirs).select_related("consent__user", "consent__client").first()
            if token is not None and token.consent is not None:
                end_consents(EventName.OAUTH_TOKEN_REVOKED, client_as_actor(client), [token.consent], origin)
            elif token is not None:
                lock_clients([client])  # another request may be creating a key with the token
                _delete(token, client, origin)
        wait_out_leases()  # no-op changes wait, too: another request may have just made the change


def _delete(token: OAuthAccessToken | OAuthRefreshToken, client: OAuthClient, origin: Origin) -> None:
    """Delete a machine's token and record that, unless another request just did."""
    if token.delete()[0]:
        actor, target = client_as_actor(client), client_target(client)
        record(EventName.OAUTH_TOKEN_REVOKED, actor=actor, origin=origin, target=target)
