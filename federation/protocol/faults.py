"""What goes wrong with a provider. The messages name no secret and nothing that a stranger wrote."""

from config.wire.errors import DomainError


class ProviderFault(DomainError):
    """The provider did not answer, or not as OpenID Connect says. The person may try again."""

    status = 502
    code = "provider_fault"


class WrongToken(ProviderFault):
    """A token is not one that the provider signed for us."""


class RefusedByProvider(DomainError):
    """The provider or the person refused the login there, or the login did not begin in this browser."""

    status = 403
    code = "provider_refused"


class GrantEnded(RefusedByProvider):
    """The provider no longer knows the person, or their session there (RFC 6749 section 5.2)."""
