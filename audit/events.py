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
    SESSION_CONFIRMED = (
        "session:confirmed",
        "A person who is logged in proved again who they are, with the password and any second factor.",
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
    SECOND_FACTOR_REFUSED = "second_factor:refused", "A code or a passkey was wrong."
    PASSKEY_ADDED = "passkey:added", "A passkey was added. It is a second factor, and can log in alone."
    PASSKEY_RENAMED = "passkey:renamed", "A passkey got another name."
    PASSKEY_REMOVED = "passkey:removed", "A passkey was removed."
    PASSKEY_COUNTER_REGRESSED = (
        "passkey_counter:regressed",
        "The counter of a passkey did not grow: somebody may have a copy of it. Its answer was refused.",
    )
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

    PROVIDER_CHANGED = "provider:changed", "An organization's identity provider was set or changed."
    PROVIDER_REMOVED = "provider:removed", "An organization's identity provider was removed."
    ENFORCEMENT_CHANGED = (
        "enforcement:changed",
        "An organization began or ceased to require its identity provider, or changed who is excepted.",
    )
    MAPPING_CHANGED = "mapping:changed", "The rules that give roles for a provider's claims were changed."
    DOMAIN_CLAIMED = "domain:claimed", "An organization began to prove a domain."
    DOMAIN_PROVEN = "domain:proven", "A domain was proven by DNS, or granted by an administrator."
    DOMAIN_REMOVED = "domain:removed", "An organization gave up a domain."
    IDENTITY_LINKED = "identity:linked", "A person at an identity provider was linked with an account."

    OAUTH_CLIENT_CREATED = "oauth_client:created", "An OAuth2 client was registered."
    OAUTH_CLIENT_CHANGED = "oauth_client:changed", "An OAuth2 client was changed, or given another secret."
    OAUTH_CLIENT_DELETED = "oauth_client:deleted", "An OAuth2 client was deleted."
    CONSENT_GIVEN = "consent:given", "A person allowed a client something."
    CONSENT_WITHDRAWN = "consent:withdrawn", "A consent ended."
    DEVICE_DENIED = "device:denied", "A person did not allow what a device had asked for."
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
    API_KEY_CHANGED = (
        "api_key:changed",
        "The scopes, the networks, the rate limit or the quota of a key were changed.",
    )
    API_KEY_NARROWED = "api_key:narrowed", "An API key lost the scopes that it did not need."
    API_KEY_WIDENED = "api_key:widened", "An API key got back the scopes that narrowing took from it."
    API_KEY_ROTATED = "api_key:rotated", "An API key was replaced by a successor."
    API_KEY_DISABLED = "api_key:disabled", "An API key was disabled."
    API_KEY_ENABLED = "api_key:enabled", "A disabled API key was enabled."
    API_KEY_REVOKED = "api_key:revoked", "An API key was revoked."
    API_KEY_IMPORTED = "api_key:imported", "API keys of another system were imported, up to a thousand."
    KEY_SOURCE_CHANGED = "key_source:changed", "Keyhouse began or stopped looking up keys of another system."
    API_KEY_REFUSED = "api_key:refused", "An API key was refused."
    API_KEY_EXPIRING = "api_key:expiring", "An API key expires soon; recorded when its owner is told."
    API_KEY_UNUSED = (
        "api_key:unused",
        "An API key has not been used for a long time, or was disabled for that; recorded when its owner is "
        "told.",
    )
    API_KEY_ROAMED = (
        "api_key:roamed",
        "An API key was used from a network for the first time; not recorded for its first network.",
    )
    API_KEY_LEAKED = "api_key:leaked", "An API key was reported as leaked."

    WEBHOOK_CREATED = "webhook:created", "A webhook was set up: events are sent to a URL."
    WEBHOOK_CHANGED = "webhook:changed", "The URL, the events or the description of a webhook were changed."
    WEBHOOK_ENABLED = "webhook:enabled", "A disabled webhook was enabled."
    WEBHOOK_DISABLED = (
        "webhook:disabled",
        "A webhook was disabled, by a person or because it cannot continue.",
    )
    WEBHOOK_ROTATED = "webhook:rotated", "A webhook got another secret."
    WEBHOOK_TESTED = "webhook:tested", "Somebody asked for a test message."
    WEBHOOK_REPLAYED = "webhook:replayed", "Somebody had past events sent to a webhook again."
    WEBHOOK_DELETED = "webhook:deleted", "A webhook was deleted."


# Every other event begins an epoch (audit.epoch), and drops the cached callers that access.concerned names.
CHANGES_NO_CALLER = frozenset(
    {
        EventName.LOGIN_SUCCEEDED,
        EventName.LOGIN_FAILED,
        EventName.SESSION_REFRESHED,
        EventName.SESSION_CONFIRMED,
        EventName.ACCESS_DENIED,
        EventName.USER_CREATED,
        EventName.ATTEMPT_THROTTLED,
        EventName.SECOND_FACTOR_STARTED,
        EventName.SECOND_FACTOR_REFUSED,
        EventName.PASSKEY_COUNTER_REGRESSED,
        EventName.PASSKEY_RENAMED,
        EventName.PASSWORD_REFUSED,
        EventName.EMAIL_CHANGE_REQUESTED,
        EventName.MAIL_REFUSED,
        EventName.PASSWORD_RESET_REQUESTED,
        EventName.ORGANIZATION_CREATED,
        EventName.INVITATION_ISSUED,
        EventName.MAPPING_CHANGED,
        EventName.DOMAIN_CLAIMED,
        EventName.DOMAIN_PROVEN,
        EventName.IDENTITY_LINKED,
        EventName.OAUTH_CLIENT_CREATED,
        EventName.CONSENT_GIVEN,
        EventName.DEVICE_DENIED,
        EventName.OAUTH_TOKEN_ISSUED,
        EventName.OAUTH_TOKEN_REFRESHED,
        EventName.SIGNING_KEY_ROTATED,
        EventName.API_KEY_CREATED,
        EventName.API_KEY_DESCRIBED,
        EventName.API_KEY_IMPORTED,
        EventName.API_KEY_REFUSED,
        EventName.API_KEY_EXPIRING,
        EventName.API_KEY_UNUSED,
        EventName.API_KEY_ROAMED,
        EventName.API_KEY_LEAKED,
        EventName.WEBHOOK_CREATED,
        EventName.WEBHOOK_CHANGED,
        EventName.WEBHOOK_ENABLED,
        EventName.WEBHOOK_DISABLED,
        EventName.WEBHOOK_ROTATED,
        EventName.WEBHOOK_TESTED,
        EventName.WEBHOOK_REPLAYED,
        EventName.WEBHOOK_DELETED,
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
        EventName.PASSKEY_COUNTER_REGRESSED,
        EventName.REFRESH_TOKEN_REUSED,
        EventName.API_KEY_REFUSED,
    }
)


def choices() -> list[tuple[str, str]]:
    """Return the vocabulary as Django's choices. A function, so that a new event needs no migration."""
    return [(name, name) for name in EventName]
