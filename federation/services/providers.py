"""Use cases of an organization's provider: set it, change it, remove it."""

from collections.abc import Iterable
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from access.freshness import check_fresh
from access.principals import Caller
from accounts.models import Organization, Session
from accounts.second_factor import seed_encryption
from accounts.sessions.termination import end_sessions
from accounts.throttling.services import attempt
from accounts.users import authority
from accounts.users.lookups import lock
from audit.actors import Target
from audit.events import EventName
from audit.log import record
from config.database.rows import edit
from config.limits import Limit
from config.outgoing.client import BadAddress, place_of
from config.wire.errors import Invalid, NotFound, Sentence
from federation.models import Identity, Provider
from federation.protocol.documents import metadata_of
from federation.protocol.faults import ProviderFault
from federation.protocol.id_tokens import ALGORITHMS
from federation.protocol.requests import Client

LONGEST_WORD = 100  # characters of a claim, or of a value of acr or amr
MOST_WORDS = 20
TESTED = {"issuer", "client_id", "algorithm", "secret"}  # a change of these must be tested again


class ProviderSettings(NamedTuple):
    """The settings of a provider; the `secret` is None to keep the one that is stored."""

    issuer: str
    client_id: str
    secret: str | None
    algorithm: str
    role_claim: str = ""
    trusted_acr: tuple[str, ...] = ()
    trusted_amr: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"ProviderSettings({self.issuer!r}, {self.client_id!r})"


def redirect_uri() -> str:
    """Return the address that every provider must have as the redirect URI of its client."""
    return settings.PUBLIC_URL + reverse("organization-callback-page")


def logout_uri() -> str:
    """Return the address that providers tell of logouts there."""
    return settings.PUBLIC_URL + reverse("organization-logout")


def client_of(provider: Provider) -> Client:
    """Return Keyhouse as a client of the provider. Raises ProviderFault if the secret cannot be decrypted."""
    secret = seed_encryption.decrypt(provider.secret) if provider.secret else b""
    if secret is None:
        raise ProviderFault("The secret of this identity provider cannot be read. Set it anew.")
    return Client(provider.client_id, secret.decode(), redirect_uri())


def check_may_set_up(caller: Caller, organization: Organization) -> None:
    """Raise NotAllowed or FreshProofRequired unless the caller may say who logs in to the organization."""
    authority.check_may_manage_organization(caller, organization)
    authority.check_is_person(caller, "Programs cannot change how people log in: log in to do it.")
    check_fresh(caller)


def count_change(caller: Caller) -> None:
    """Count a change by a person. Raises TooManyAttempts: each may ask a provider, or drop cached callers."""
    if caller.principal.user_id is not None:
        attempt(Limit.PROVIDER_SETUP, subject=caller.principal.subject, origin=caller.origin)


def set_provider(*, caller: Caller, organization: Organization, wanted: ProviderSettings) -> Provider:
    """Set or change the provider of an organization, which must answer now.

    Another issuer, client or algorithm must be tested again. Another issuer knows nobody yet, so it is not
    required any more. Raises NotAllowed, FreshProofRequired, TooManyAttempts, Invalid (naming the member),
    ProviderFault or Busy.
    """
    check_may_set_up(caller, organization)
    cleaned = _clean(wanted)
    count_change(caller)
    _check_answers(cleaned)
    with transaction.atomic():
        row = lock(organization)
        old = Provider.objects.select_for_update().filter(organization=row).first()
        provider = old or Provider(organization=row, created_at=caller.origin.at)
        if old is not None and old.issuer != cleaned.issuer:
            _end(old, caller)
            old.standings.all().delete()
            edit(Organization.objects.filter(pk=row.pk), requires_provider=False)
        if changed := _change(provider, cleaned):
            provider.save()
            _record(EventName.PROVIDER_CHANGED, caller, provider, {"members": changed})
    return provider


def remove_provider(*, caller: Caller, organization: Organization) -> None:
    """Remove the provider. The sessions that it vouched for end; accounts and memberships stay.

    Members log in with their own passwords and passkeys again.

    Raises NotAllowed, FreshProofRequired, TooManyAttempts or NotFound.
    """
    check_may_set_up(caller, organization)
    count_change(caller)
    with transaction.atomic():
        row = lock(organization)
        provider = locked_provider(row)
        _end(provider, caller)
        provider.delete()
        edit(Organization.objects.filter(pk=row.pk), requires_provider=False)
        if not Provider.objects.filter(issuer=provider.issuer).exists():
            Identity.objects.filter(issuer=provider.issuer).delete()
        _record(EventName.PROVIDER_REMOVED, caller, provider, {})


def locked_provider(organization: Organization) -> Provider:
    """Lock the organization's provider until the transaction ends, and return it. Raises NotFound."""
    provider = Provider.objects.select_for_update().filter(organization=organization).first()
    if provider is None:
        raise NotFound("This organization has no identity provider.")
    return provider


def _end(provider: Provider, caller: Caller) -> None:
    """End the sessions that the provider vouched for."""
    end_sessions(Session.objects.filter(organization=provider.organization), caller.origin.at)


def _change(provider: Provider, wanted: ProviderSettings) -> list[str]:
    """Change the columns that differ, and return their names."""
    columns = {**wanted._asdict(), "trusted_acr": [*wanted.trusted_acr], "trusted_amr": [*wanted.trusted_amr]}
    secret = columns.pop("secret")
    changed = [name for name, value in columns.items() if getattr(provider, name) != value]
    for name in changed:
        setattr(provider, name, columns[name])
    if secret is not None and secret != _secret_of(provider):
        provider.secret = seed_encryption.encrypt(secret.encode()) if secret else ""
        changed.append("secret")
    if TESTED & {*changed}:
        provider.tested_at = None
    return changed


def _secret_of(provider: Provider) -> str | None:
    """Return the secret; None if the key that it is encrypted with is missing."""
    secret = seed_encryption.decrypt(provider.secret) if provider.secret else b""
    return None if secret is None else secret.decode()


def _clean(wanted: ProviderSettings) -> ProviderSettings:
    """Return the settings without surrounding spaces. Raises Invalid."""
    algorithm, secret = wanted.algorithm, wanted.secret
    if algorithm not in ALGORITHMS:
        reason = Sentence("must be one of these: %(known)s", known=", ".join(ALGORITHMS))
        raise Invalid("algorithm", reason)
    return ProviderSettings(
        issuer=_clean_issuer(wanted.issuer.strip()),
        client_id=_clean_text("client_id", wanted.client_id, 255),
        secret=secret if not secret else _clean_text("secret", secret, 1000),
        algorithm=algorithm,
        role_claim=_clean_text("role_claim", wanted.role_claim, LONGEST_WORD) if wanted.role_claim else "",
        trusted_acr=_clean_words("trusted_acr", wanted.trusted_acr),
        trusted_amr=_clean_words("trusted_amr", wanted.trusted_amr),
    )


def _clean_issuer(text: str) -> str:
    try:
        place_of(text)
    except BadAddress as error:
        raise Invalid("issuer", str(error)) from None
    if len(text) > 500 or "?" in text:
        raise Invalid("issuer", "must be an address of at most 500 characters, without a part after ?")
    return text


def _clean_text(member: str, text: str, longest: int) -> str:
    cleaned = text.strip()
    if not cleaned or len(cleaned) > longest or not cleaned.isprintable() or not cleaned.isascii():
        reason = Sentence("must have 1 to %(longest)d printable ASCII characters", longest=longest)
        raise Invalid(member, reason)
    return cleaned


def _clean_words(member: str, words: Iterable[str]) -> tuple[str, ...]:
    cleaned = tuple(dict.fromkeys(_clean_text(member, each, LONGEST_WORD) for each in words))
    if len(cleaned) > MOST_WORDS:
        raise Invalid(member, Sentence("must have at most %(most)d values", most=MOST_WORDS))
    return cleaned


def _check_answers(wanted: ProviderSettings) -> None:
    """Raise ProviderFault, Busy or Invalid unless the provider answers, and signs with the algorithm."""
    listed = metadata_of(wanted.issuer).id_token_signing_alg_values_supported
    if listed and wanted.algorithm not in listed:
        reason = Sentence("must be one that the provider signs with: %(listed)s", listed=", ".join(listed))
        raise Invalid("algorithm", reason)


def _record(name: EventName, caller: Caller, provider: Provider, detail: dict[str, list[str]]) -> None:
    organization = provider.organization
    target = Target.of("organization", organization, organization_id=organization.pk)
    about = {"issuer": provider.issuer, "client_id": provider.client_id, **detail}
    record(name, actor=caller.principal.actor, origin=caller.origin, target=target, detail=about)
