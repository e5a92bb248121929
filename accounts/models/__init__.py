"""People, organizations, and the sessions in which people are logged in."""

from accounts.models.idempotency import IdempotentRequest
from accounts.models.known_secrets import KnownSecret
from accounts.models.mailed import (
    EmailChange,
    EmailUndo,
    Invitation,
    InvitationQuerySet,
    Mail,
    PasswordReset,
    RecoveryLink,
    Registration,
)
from accounts.models.passkeys import Passkey, SpentChallenge
from accounts.models.people import (
    Membership,
    Organization,
    OrganizationQuerySet,
    User,
    UserManager,
    UserQuerySet,
)
from accounts.models.second_factor import RecoveryCode, SecondFactor, SecondFactorRecovery
from accounts.models.sessions import Session, SessionQuerySet
from accounts.models.throttle import AttemptCount

__all__ = [
    "AttemptCount",
    "EmailChange",
    "EmailUndo",
    "IdempotentRequest",
    "Invitation",
    "InvitationQuerySet",
    "KnownSecret",
    "Mail",
    "Membership",
    "Organization",
    "OrganizationQuerySet",
    "Passkey",
    "PasswordReset",
    "RecoveryCode",
    "RecoveryLink",
    "Registration",
    "SecondFactor",
    "SecondFactorRecovery",
    "Session",
    "SessionQuerySet",
    "SpentChallenge",
    "User",
    "UserManager",
    "UserQuerySet",
]
