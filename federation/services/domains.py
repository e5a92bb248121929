"""Use cases of the domains of e-mail addresses that an organization's provider may assert."""

import hmac
import secrets

from django.db import IntegrityError, transaction

from access.principals import Caller
from accounts.models import Organization
from accounts.users import authority
from accounts.users.lookups import lock
from audit.actors import Target
from audit.events import EventName
from audit.log import record
from config.hosts import LONGEST_NAME, NAME, ascii_domain
from config.profiles import Capability
from config.wire.errors import Conflict, Invalid, NotFound, Sentence
from federation.models import Domain
from federation.services.dns import texts_of
from federation.services.providers import check_may_set_up, count_change

MOST_DOMAINS = 50  # of an organization
BEGINNING = "keyhouse-domain="  # of the text of the DNS record


def record_of(domain: Domain) -> str:
    """Return the text that the DNS record of the domain must have."""
    return BEGINNING + domain.token


def claim_domain(*, caller: Caller, organization: Organization, domain: str) -> Domain:
    """Begin to prove a domain. Raises NotAllowed, FreshProofRequired, Invalid or Conflict."""
    check_may_set_up(caller, organization)
    name = clean_domain(domain)
    with transaction.atomic():
        row = lock(organization)
        if row.domains.count() >= MOST_DOMAINS:
            raise Conflict(
                "domain",
                Sentence("is one too many; an organization may have %(most)d domains", most=MOST_DOMAINS),
            )
        claimed = Domain(
            organization=row, name=name, token=secrets.token_hex(16), created_at=caller.origin.at
        )
        try:
            with transaction.atomic():
                claimed.save(force_insert=True)
        except IntegrityError:
            raise Conflict("domain", Sentence("%(name)s is in the list already", name=name)) from None
        _record(EventName.DOMAIN_CLAIMED, caller, claimed)
    return claimed


def prove_domain(*, caller: Caller, domain: Domain) -> None:
    """Look up the record, and mark the domain as proven.

    Raises NotAllowed, FreshProofRequired, TooManyAttempts, Invalid without the record, Conflict if the domain
    belongs to another organization, or NotFound.
    """
    check_may_set_up(caller, domain.organization)
    count_change(caller)
    wanted = record_of(domain)
    if not any(hmac.compare_digest(each.strip().encode(), wanted.encode()) for each in texts_of(domain.name)):
        raise Invalid("domain", "does not have this record yet; DNS may need some hours to show a new record")
    _hold_as_proven(caller, domain, "dns")


def grant_domain(*, caller: Caller, domain: Domain) -> None:
    """Mark a domain as proven without DNS, for callers who manage every organization.

    Raises NotAllowed, FreshProofRequired, Conflict or NotFound.
    """
    check_may_set_up(caller, domain.organization)
    caller.principal.require(
        lambda who: who.may(Capability.MANAGE_ORGANIZATIONS), "Only an administrator can grant a domain."
    )
    _hold_as_proven(caller, domain, "grant")


def remove_domain(*, caller: Caller, domain: Domain) -> None:
    """Give a domain up: nobody logs in with its addresses any more.

    Raises NotAllowed, NotFound, or Conflict for the last proven one while the provider is required.
    """
    check_may_set_up(caller, domain.organization)
    with transaction.atomic():
        row = lock(domain.organization)
        others = row.domains.filter(proven_at__isnull=False).exclude(pk=domain.pk)
        if row.requires_provider and not others.exists():
            raise Conflict("domain", "is the last proven one, and members must log in with the provider")
        _record(EventName.DOMAIN_REMOVED, caller, _locked(domain))
        Domain.objects.filter(pk=domain.pk).delete()


def clean_domain(text: str) -> str:
    """Return a domain in A-labels. Raises Invalid, naming `domain`."""
    try:
        name = ascii_domain(text.strip().removesuffix("."))
    except ValueError:
        name = ""
    if "." not in name or len(name) > LONGEST_NAME or not NAME.fullmatch(name):
        raise Invalid("domain", "must be a domain, such as example.org")
    return name


def domain_of(address: str) -> str:
    """Return the domain of an e-mail address in A-labels, or of a text that is a domain; "" for others."""
    try:
        return clean_domain(address.rpartition("@")[2])
    except Invalid:
        return ""


def is_proven(organization: Organization, address: str) -> bool:
    """Whether the organization has proven the domain of this e-mail address."""
    name = domain_of(address) if "@" in address else ""
    return organization.domains.filter(name=name, proven_at__isnull=False).exists()


def _hold_as_proven(caller: Caller, domain: Domain, by: str) -> None:
    authority.check_may_manage_organization(caller, domain.organization)
    with transaction.atomic():
        lock(domain.organization)
        row = _locked(domain)
        if row.proven_at is not None:
            return
        row.proven_at = caller.origin.at
        try:
            with transaction.atomic():
                row.save(update_fields=["proven_at"])
        except IntegrityError:
            raise Conflict("domain", "is proven by another organization") from None
        _record(EventName.DOMAIN_PROVEN, caller, row, by)


def _locked(domain: Domain) -> Domain:
    row = Domain.objects.select_for_update().filter(pk=domain.pk).first()
    if row is None:
        raise NotFound("This domain was removed.")
    return row


def _record(name: EventName, caller: Caller, domain: Domain, by: str = "") -> None:
    organization = domain.organization
    target = Target.of("organization", organization, organization_id=organization.pk)
    detail = {"domain": domain.name, **({"by": by} if by else {})}
    record(name, actor=caller.principal.actor, origin=caller.origin, target=target, detail=detail)
