"""What the account endpoints take and give, in canonical members."""

from accounts.serializers.mailed import (
    ConfirmEmailRequest,
    ForgotPasswordRequest,
    Message,
    RegisterRequest,
    ResetPasswordRequest,
)
from accounts.serializers.organizations import (
    AddMemberRequest,
    MemberMember,
    MemberRoleRequest,
    OrganizationFilter,
    OrganizationMember,
    OrganizationRequest,
    UpdateOrganizationRequest,
)
from accounts.serializers.people import (
    ChangePasswordRequest,
    CreateUserRequest,
    Me,
    MembershipMember,
    NameRequest,
    PasswordField,
    UpdateUserRequest,
    UserFilter,
    UserMember,
)
from accounts.serializers.second_factor import (
    ConfirmTotpRequest,
    Enrolment,
    PasswordAndCodeRequest,
    PasswordProofRequest,
    RecoveryCodes,
)
from accounts.serializers.sessions import Login, LoginRequest, RefreshRequest, SessionMember, TokenPairMember

__all__ = [
    "AddMemberRequest",
    "ChangePasswordRequest",
    "ConfirmEmailRequest",
    "ConfirmTotpRequest",
    "CreateUserRequest",
    "Enrolment",
    "ForgotPasswordRequest",
    "Login",
    "LoginRequest",
    "Me",
    "MemberMember",
    "MemberRoleRequest",
    "MembershipMember",
    "Message",
    "NameRequest",
    "OrganizationFilter",
    "OrganizationMember",
    "OrganizationRequest",
    "PasswordAndCodeRequest",
    "PasswordField",
    "PasswordProofRequest",
    "RecoveryCodes",
    "RefreshRequest",
    "RegisterRequest",
    "ResetPasswordRequest",
    "SessionMember",
    "TokenPairMember",
    "UpdateOrganizationRequest",
    "UpdateUserRequest",
    "UserFilter",
    "UserMember",
]
