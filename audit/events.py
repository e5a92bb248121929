"""The vocabulary of the audit log: `subject:action`. A word, once used, keeps its meaning for ever."""

from enum import StrEnum


class EventName(StrEnum):
    """What can be recorded. Subjects are things of ours; actions are past participles."""

    LOGIN_SUCCEEDED = "login:succeeded"
    LOGIN_FAILED = "login:failed"
    SESSION_REFRESHED = "session:refreshed"
    SESSION_ENDED = "session:ended"
    REFRESH_TOKEN_REUSED = "refresh_token:reused"
    ACCESS_DENIED = "access:denied"
    ATTEMPT_THROTTLED = "attempt:throttled"

    USER_CREATED = "user:created"
    USER_CHANGED = "user:changed"
    USER_DEACTIVATED = "user:deactivated"
    USER_REACTIVATED = "user:reactivated"
    USER_DELETED = "user:deleted"
    ROLE_CHANGED = "role:changed"
    PASSWORD_CHANGED = "password:changed"
    PASSWORD_REFUSED = "password:refused"
    PASSWORD_RESET_REQUESTED = "password_reset:requested"
    EMAIL_CHANGE_REQUESTED = "email_change:requested"
    MAIL_REFUSED = "mail:refused"

    SECOND_FACTOR_STARTED = "second_factor:started"
    SECOND_FACTOR_ADDED = "second_factor:added"
    SECOND_FACTOR_REMOVED = "second_factor:removed"
    SECOND_FACTOR_REFUSED = "second_factor:refused"
    SECOND_FACTOR_REQUIRED = "second_factor:required"
    SECOND_FACTOR_WAIVED = "second_factor:waived"
    RECOVERY_STARTED = "second_factor_recovery:started"
    RECOVERY_STOPPED = "second_factor_recovery:stopped"
    RECOVERY_CODES_REPLACED = "recovery_codes:replaced"

    ORGANIZATION_CREATED = "organization:created"
    ORGANIZATION_CHANGED = "organization:changed"
    ORGANIZATION_DELETED = "organization:deleted"
    MEMBER_ADDED = "member:added"
    MEMBER_REMOVED = "member:removed"
    INVITATION_ISSUED = "invitation:issued"
    INVITATION_REVOKED = "invitation:revoked"

    OAUTH_CLIENT_CREATED = "oauth_client:created"
    OAUTH_CLIENT_CHANGED = "oauth_client:changed"
    OAUTH_CLIENT_DELETED = "oauth_client:deleted"
    CONSENT_GIVEN = "consent:given"
    CONSENT_WITHDRAWN = "consent:withdrawn"
    OAUTH_TOKEN_ISSUED = "oauth_token:issued"
    OAUTH_TOKEN_REFRESHED = "oauth_token:refreshed"
    OAUTH_TOKEN_REVOKED = "oauth_token:revoked"
    OAUTH_CODE_REPLAYED = "oauth_code:replayed"
    SIGNING_KEY_ROTATED = "signing_key:rotated"
    SECRETS_ACCEPTED = "secrets:accepted"

    API_KEY_CREATED = "api_key:created"
    API_KEY_RENAMED = "api_key:renamed"
    API_KEY_CHANGED = "api_key:changed"
    API_KEY_ROTATED = "api_key:rotated"
    API_KEY_DISABLED = "api_key:disabled"
    API_KEY_ENABLED = "api_key:enabled"
    API_KEY_REVOKED = "api_key:revoked"
    API_KEY_REFUSED = "api_key:refused"


# Any other event begins an epoch (audit.epoch); access.concerned says whose callers are forgotten after it.
CHANGES_NO_CALLER = frozenset(
    {
        EventName.LOGIN_SUCCEEDED,
        EventName.LOGIN_FAILED,
        EventName.SESSION_REFRESHED,
        EventName.ACCESS_DENIED,
        EventName.USER_CREATED,
        EventName.ATTEMPT_THROTTLED,
        EventName.SECOND_FACTOR_STARTED,
        EventName.SECOND_FACTOR_REFUSED,
        EventName.PASSWORD_REFUSED,
        EventName.EMAIL_CHANGE_REQUESTED,
        EventName.MAIL_REFUSED,
        EventName.PASSWORD_RESET_REQUESTED,
        EventName.ORGANIZATION_CREATED,
        EventName.INVITATION_ISSUED,
        EventName.OAUTH_CLIENT_CREATED,
        EventName.CONSENT_GIVEN,
        EventName.OAUTH_TOKEN_ISSUED,
        EventName.OAUTH_TOKEN_REFRESHED,
        EventName.SIGNING_KEY_ROTATED,
        EventName.API_KEY_CREATED,
        EventName.API_KEY_REFUSED,
    }
)

# Somebody tried, and was not let.
REFUSALS = frozenset(
    {
        EventName.LOGIN_FAILED,
        EventName.ACCESS_DENIED,
        EventName.ATTEMPT_THROTTLED,
        EventName.PASSWORD_REFUSED,
        EventName.SECOND_FACTOR_REFUSED,
        EventName.REFRESH_TOKEN_REUSED,
        EventName.API_KEY_REFUSED,
    }
)


def choices() -> list[tuple[str, str]]:
    """The vocabulary as Django wants choices; a function, so that a new word is no migration."""
    return [(name, name) for name in EventName]
