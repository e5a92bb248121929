"""Use cases of a login with an organization's provider: begin it, and take the provider's word."""

import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import msgspec
from django.db import transaction
from django.utils.translation import gettext_noop

from accounts.models import Organization, Session, SpentChallenge, User
from accounts.second_factor.verification import has_second_factor
from accounts.sessions.identity import record_failure
from accounts.sessions.services import open_vouched
from accounts.throttling.services import attempt, succeeded
from accounts.users import names
from accounts.users.names import fold_email
from audit.actors import Origin
from config.limits import Limit
from config.wire.errors import DomainError, Invalid, InvalidCredentials
from federation.models import Identity, Provider
from federation.protocol import flow as flows
from federation.protocol.documents import metadata_of
from federation.protocol.faults import RefusedByProvider
from federation.protocol.flow import Flow
from federation.protocol.id_tokens import LEEWAY, LONGEST_SUBJECT
from federation.protocol.requests import Exchanged, address_of_login, exchanged
from federation.services.asking_again import keep_grant, sealed
from federation.services.domains import domain_of, is_proven
from federation.services.joining import settle
from federation.services.logouts import check_still_logged_in, newest_of
from federation.services.providers import client_of
from federation.services.vouching import Vouched

NOT_BEGUN = gettext_noop("This login did not begin in this browser, or it took too long. Begin it again.")
SAID_NO = gettext_noop("The identity provider did not log you in. Try again, or ask your organization.")
NOT_ITS_ADDRESS = gettext_noop(
    "Your identity provider named no e-mail address in a domain that your organization has proven here."
)


class OwnProofRequired(DomainError):
    """The provider's word is not enough for this account: its owner must log in to it, too."""

    status = 401
    code = "own_proof_required"

    def __init__(self) -> None:
        super().__init__("Log in to your account, too.")


class Returned(msgspec.Struct, frozen=True):
    """What the browser brings back from the provider (RFC 6749 section 4.1.2, RFC 9207)."""

    state: str
    code: str
    iss: str = ""
    error: str = ""

    def __repr__(self) -> str:
        return "Returned()"


def provider_for(address: str) -> Provider:
    """Return the provider that vouches for the domain of an address. Raises Invalid, naming `email`.

    Only the domain counts, so the answer does not tell which addresses have an account.
    """
    of_owner = Provider.objects.filter(
        organization__domains__name=domain_of(address), organization__domains__proven_at__isnull=False
    )
    found = of_owner.select_related("organization").first()
    if found is None:
        raise Invalid("email", "has a domain of no organization that logs in here with its own provider")
    return found


def begin(*, provider: Provider, back: str, is_proof: bool, origin: Origin) -> tuple[Flow, str]:
    """Return a new login, and the address at the provider where it goes on.

    `is_proof`: the person, who is logged in, proves there anew who they are. Raises TooManyAttempts,
    ProviderFault or Busy.
    """
    attempt(Limit.PROVIDER_LOGIN, origin=origin)
    flow = flows.begun(provider.pk, provider.issuer, back, int(origin.at.timestamp()), is_proof=is_proof)
    metadata = metadata_of(provider.issuer)
    secrets = flows.secrets_of(flow)
    address = address_of_login(
        metadata, client_of(provider), secrets, role_claim=provider.role_claim, is_proof=is_proof
    )
    return flow, address


def word_of_provider(*, flow: Flow, returned: Returned, origin: Origin) -> Vouched:
    """Return what the provider says of the person who comes back from it, once.

    Raises RefusedByProvider, ProviderFault or Busy; a refusal is recorded.
    """
    provider = Provider.objects.select_related("organization").filter(pk=flow.provider).first()
    if provider is None or provider.issuer != flow.issuer:
        raise RefusedByProvider(NOT_BEGUN)
    _check_returned(flow, returned, origin)
    metadata = metadata_of(provider.issuer)
    if returned.iss != provider.issuer and (
        returned.iss or metadata.authorization_response_iss_parameter_supported
    ):
        raise RefusedByProvider(NOT_BEGUN)
    if returned.error or not returned.code:
        record_failure(None, origin, "refused by the provider")
        raise RefusedByProvider(SAID_NO)
    heard = newest_of(provider)
    told = exchanged(
        metadata,
        client_of(provider),
        flows.secrets_of(flow),
        algorithm=provider.algorithm,
        wanted=frozenset({"email", provider.role_claim} - {""}),
        code=returned.code,
        now=origin.at,
    )
    proven_at = told.person.auth_time
    if flow.is_proof and (proven_at is None or proven_at < flow.began_at - LEEWAY):
        raise RefusedByProvider("The identity provider did not ask you anew who you are.")
    return _vouched(provider, told, heard)


def _check_returned(flow: Flow, returned: Returned, origin: Origin) -> None:
    """Check that the login began in this browser, and spend it. Raises RefusedByProvider."""
    now, wanted = int(origin.at.timestamp()), flows.secrets_of(flow).state
    if not hmac.compare_digest(returned.state.encode(), wanted.encode()):
        raise RefusedByProvider(NOT_BEGUN)
    if now > flow.began_at + flows.SECONDS:
        raise RefusedByProvider(NOT_BEGUN)
    ends_at = {"ends_at": flow.began_at + 2 * flows.SECONDS}
    _, is_new = SpentChallenge.objects.get_or_create(digest=flows.spent_digest(flow), defaults=ends_at)
    if not is_new:
        raise RefusedByProvider(NOT_BEGUN)


def _vouched(provider: Provider, told: Exchanged, heard: int) -> Vouched:
    person = told.person
    trusted = person.acr in provider.trusted_acr or set(person.amr) & set(provider.trusted_amr)
    known = set(provider.rules.values_list("value", flat=True))
    return Vouched(
        provider=provider.pk,
        issuer=provider.issuer,
        subject=person.sub,
        email=person.email if person.email_verified is not False else "",
        email_verified=person.email_verified is True,
        name=person.name,
        values=sorted(person.values_of(provider.role_claim) & known),
        second_factor=bool(trusted),
        proven_at=None if person.auth_time is None else int(person.auth_time),
        sid=person.sid if len(person.sid) <= LONGEST_SUBJECT and person.sid.isprintable() else "",
        refresh_token=sealed(told.refresh_token),
        heard=heard,
    )


def arrive(*, vouched: Vouched, origin: Origin, user_agent: str, longest: timedelta) -> Session:
    """Log in the person for whom the provider vouches; make their account if they have none.

    Raises OwnProofRequired for an account that the provider does not know yet, or whose second factor it does
    not vouch for; RefusedByProvider, which is recorded; or InvalidCredentials.
    """
    provider = provider_that(vouched, origin)
    user = known_as(vouched)
    if user is None and User.objects.filter(email_key=fold_email(vouched.email)).exists():
        raise OwnProofRequired
    if user is not None and has_second_factor(user) and not vouched.second_factor:
        raise OwnProofRequired
    person = settle(provider=provider, vouched=vouched, user=user, origin=origin)
    with _unless_logged_out(person, vouched, provider, origin):
        session = open_vouched(
            person,
            provider.organization,
            second_factor=vouched.second_factor,
            proven_at=_proven_at(vouched, origin),
            provider_session=vouched.sid,
            origin=origin,
            user_agent=user_agent,
            longest=longest,
        )
        keep_grant(session, vouched, origin.at)
    succeeded(Limit.PROVIDER_LOGIN, origin=origin)
    return session


@contextmanager
def _unless_logged_out(person: User, vouched: Vouched, provider: Provider, origin: Origin) -> Iterator[None]:
    """Begin a login in a transaction, before or after each logout at the provider.

    Raises RefusedByProvider if the person was logged out there since, or InvalidCredentials; records both.
    """
    try:
        with transaction.atomic():
            check_still_logged_in(vouched, provider)
            yield
    except RefusedByProvider:
        record_failure(person, origin, "logged out at the provider")
        raise
    except InvalidCredentials:  # what was recorded inside is rolled back
        record_failure(person, origin, "changed meanwhile")
        raise


def _proven_at(vouched: Vouched, origin: Origin) -> datetime:
    """Return when the person proved who they are: now, or earlier, if the provider knew them still."""
    if vouched.proven_at is None or vouched.proven_at > origin.at.timestamp():
        return origin.at
    return datetime.fromtimestamp(vouched.proven_at, UTC)


def link(*, vouched: Vouched, session: Session, origin: Origin) -> None:
    """Link the person at the provider with the account to which they have just logged in themselves.

    A `session` that counts as one with the provider ends with that at the provider. Raises
    RefusedByProvider, which is recorded: the account must be the one that the provider means, and the person
    still logged in there.
    """
    provider, user, known = provider_that(vouched, origin), session.user, known_as(vouched)
    is_meant = user == known if known else user.email_key == fold_email(vouched.email)
    if not is_meant:
        record_failure(user, origin, "another account than the provider means")
        raise RefusedByProvider("This is not the account that your identity provider means.")
    settle(provider=provider, vouched=vouched, user=user, origin=origin)
    if session.organization_id == provider.organization_id:
        with _unless_logged_out(user, vouched, provider, origin):
            Session.objects.filter(pk=session.pk).update(provider_session=vouched.sid)
            keep_grant(session, vouched, origin.at)


def provider_that(vouched: Vouched, origin: Origin) -> Provider:
    """Return the provider that vouches, if it may assert the address. Raises RefusedByProvider."""
    rows = Provider.objects.select_related("organization")
    provider = rows.filter(pk=vouched.provider, issuer=vouched.issuer).first()
    if provider is None:
        raise RefusedByProvider(NOT_BEGUN)
    try:
        is_its = is_proven(provider.organization, names.clean_email(vouched.email))
    except Invalid:
        is_its = False
    if not is_its:
        record_failure(None, origin, "address of a domain that is not proven")
        raise RefusedByProvider(NOT_ITS_ADDRESS)
    return provider


def organization_that(vouched: Vouched) -> Organization | None:
    """Return the organization whose provider vouches; None if the provider was removed meanwhile."""
    return Organization.objects.filter(identity_provider=vouched.provider).first()


def known_as(vouched: Vouched) -> User | None:
    """Return the account of this issuer and subject. Addresses do not count."""
    rows = Identity.objects.select_related("user")
    found = rows.filter(issuer=vouched.issuer, subject=vouched.subject).first()
    return found.user if found else None
