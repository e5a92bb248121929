"""The vocabulary of the audit log: `subject:action`. Event names never change their meaning."""

from enum import StrEnum


class EventName(StrEnum):
    """The events that can be recorded. A subject is a kind of row, an action a past participle."""

    description: str

    def __new__(cls, name: str, description: str) -> "EventName":
        member = str.__new__(cls, name)
        member._value_, member.description = name, description
        return member

    LOGIN_SUCCEEDED = "login:succeeded", "Somebody logged in: to the API, the admin or the pages of OAuth2."
    LOGIN_FAILED = "login:failed", "A login was refused."
    SESSION_REFRESHED = (
        "session:refreshed",
        "A session got new tokens; recorded at most once a minute for each session.",
    )
    SESSION_ENDED = (
        "session:ended",
        "A session ended: by a logout, by an administrator, or by a change that ends sessions.",
    )
    REFRESH_TOKEN_REUSED = "refresh_token:reused", "An exchanged refresh token came again; its session ended."
    ACCESS_DENIED = "access:denied", "A known caller asked for something that they may not do."
    ATTEMPT_THROTTLED = "attempt:throttled", "An attempt was refused because there were too many."

    USER_CREATED = "user:created", "An account was made."
    USER_CHANGED = "user:changed", "Members of an account were changed."
    USER_DEACTIVATED = "user:deactivated", "An account was deactivated."
    USER_REACTIVATED = "user:reactivated", "An account was activated again."
    USER_DELETED = "user:deleted", "An account was deleted."
    ROLE_CHANGED = "role:changed", "Somebody's global role, or their role in an organization, was changed."
    PASSWORD_CHANGED = "password:changed", "A password was set or changed."
    PASSWORD_REFUSED = "password:refused", "A change was refused because the current password was wrong."
    PASSWORD_RESET_REQUESTED = "password_reset:requested", "Somebody asked for a link to a new password."
    EMAIL_CHANGE_REQUESTED = "email_change:requested", "Somebody asked for another e-mail address."
    MAIL_REFUSED = "mail:refused", "A mail server refused a mail for good."

    SECOND_FACTOR_STARTED = "second_factor:started", "Somebody began to add an authenticator app."
    SECOND_FACTOR_ADDED = "second_factor:added", "A second factor is in force."
    SECOND_FACTOR_REMOVED = "second_factor:removed", "A second factor was removed."
    SECOND_FACTOR_REFUSED = "second_factor:refused", "A code was wrong."
    SECOND_FACTOR_REQUIRED = "second_factor:required", "A person must have a second factor from now on."
    SECOND_FACTOR_WAIVED = "second_factor:waived", "A person need not have a second factor any more."
    RECOVERY_STARTED = (
        "second_factor_recovery:started",
        "The wait began after which a second factor is removed.",
    )
    RECOVERY_STOPPED = "second_factor_recovery:stopped", "A code stopped that wait."
    RECOVERY_CODES_REPLACED = "recovery_codes:replaced", "Recovery codes were replaced."

    ORGANIZATION_CREATED = "organization:created", "An organization was made."
    ORGANIZATION_CHANGED = "organization:changed", "An organization was renamed, or given other rules."
    ORGANIZATION_DELETED = "organization:deleted", "An organization was deleted."
    MEMBER_ADDED = "member:added", "A person became a member of an organization."
    MEMBER_REMOVED = "member:removed", "A person left an organization, or was removed from it."
    INVITATION_ISSUED = "invitation:issued", "An invitation was sent, or sent again."
    INVITATION_REVOKED = "invitation:revoked", "An invitation was withdrawn."

    OAUTH_CLIENT_CREATED = "oauth_client:created", "An OAuth2 client was registered."
    OAUTH_CLIENT_CHANGED = "oauth_client:changed", "An OAuth2 client was changed, or given another secret."
    OAUTH_CLIENT_DELETED = "oauth_client:deleted", "An OAuth2 client was deleted."
    CONSENT_GIVEN = "consent:given", "A person allowed a client something."
    CONSENT_WITHDRAWN = "consent:withdrawn", "A consent ended."
    OAUTH_TOKEN_ISSUED = (
        "oauth_token:issued",
        "A client exchanged a code for tokens, or got a token for itself.",
    )
    OAUTH_TOKEN_REFRESHED = (
        "oauth_token:refreshed",
        "A client refreshed its tokens; recorded at most once a minute for each consent.",
    )
    OAUTH_TOKEN_REVOKED = "oauth_token:revoked", "A client's token was revoked."
    OAUTH_CODE_REPLAYED = (
        "oauth_code:replayed",
        "An authorization code came again; everything that came of it ended.",
    )
    SIGNING_KEY_ROTATED = "signing_key:rotated", "Another key signs tokens."
    SECRETS_ACCEPTED = "secrets:accepted", "An operator went on without secrets that were lost."

    API_KEY_CREATED = "api_key:created", "An API key was made."
    API_KEY_RENAMED = "api_key:renamed", "An API key was renamed."
    API_KEY_DESCRIBED = "api_key:described", "The description or the metadata of an API key was changed."
    API_KEY_CHANGED = "api_key:changed", "The networks or the rate limit of an API key were changed."
    API_KEY_ROTATED = "api_key:rotated", "An API key was replaced by a successor."
    API_KEY_DISABLED = "api_key:disabled", "An API key was disabled."
    API_KEY_ENABLED = "api_key:enabled", "A disabled API key was enabled."
    API_KEY_REVOKED = "api_key:revoked", "An API key was revoked."
    API_KEY_REFUSED = "api_key:refused", "An API key was refused."


# Every other event begins an epoch (audit.epoch), and drops the cached callers that access.concerned names.
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
        EventName.API_KEY_DESCRIBED,
        EventName.API_KEY_REFUSED,
    }
)

# Somebody tried to do something, and was refused.
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
    """Return the vocabulary as Django's choices. A function, so that a new event needs no migration."""
    return [(name, name) for name in EventName]
