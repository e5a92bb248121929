"""People, organizations, and the sessions in which people are logged in."""

from accounts.models.mailed import (
    EmailChange,
    Invitation,
    InvitationQuerySet,
    Mail,
    PasswordReset,
    Registration,
)
from accounts.models.people import (
    Membership,
    Organization,
    OrganizationQuerySet,
    User,
    UserManager,
    UserQuerySet,
)
from accounts.models.sessions import Session, SessionQuerySet

__all__ = [
    "EmailChange",
    "Invitation",
    "InvitationQuerySet",
    "Mail",
    "Membership",
    "Organization",
    "OrganizationQuerySet",
    "PasswordReset",
    "Registration",
    "Session",
    "SessionQuerySet",
    "User",
    "UserManager",
    "UserQuerySet",
]
