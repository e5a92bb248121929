"""Whose power an event may have changed: the callers that caches drop when they see the event.

An event names its subjects (`audit.actors.Target`), and each cached caller depends on some. When you add an
event, add here which kind of subject names everybody whose power it changes. An event without an entry drops
every caller.
"""

from collections.abc import Mapping, Sequence

from audit.events import EventName

# The kinds of subject that an event's callers depend on. The first that the event has counts: the narrowest.
WHOSE: Mapping[str, tuple[str, ...]] = {
    EventName.SESSION_ENDED: ("session", "user"),
    EventName.REFRESH_TOKEN_REUSED: ("session", "consent"),
    EventName.USER_CHANGED: ("user",),
    EventName.USER_DEACTIVATED: ("user",),
    EventName.USER_REACTIVATED: ("user",),
    EventName.USER_DELETED: ("user",),
    EventName.ROLE_CHANGED: ("user",),
    EventName.PASSWORD_CHANGED: ("user",),
    EventName.SECOND_FACTOR_ADDED: ("user",),
    EventName.SECOND_FACTOR_REMOVED: ("user",),
    EventName.PASSKEY_ADDED: ("user",),
    EventName.PASSKEY_REMOVED: ("user",),
    EventName.SECOND_FACTOR_REQUIRED: ("user",),
    EventName.SECOND_FACTOR_WAIVED: ("user",),
    EventName.RECOVERY_STARTED: ("user",),
    EventName.RECOVERY_STOPPED: ("user",),
    EventName.RECOVERY_CODES_REPLACED: ("user",),
    EventName.ORGANIZATION_CHANGED: ("organization",),
    EventName.ORGANIZATION_DELETED: ("organization",),
    EventName.MEMBER_ADDED: ("user",),
    EventName.MEMBER_REMOVED: ("user",),
    EventName.INVITATION_REVOKED: (),  # no caller's: the link is checked when it is used
    EventName.DOMAIN_REMOVED: (),
    EventName.OAUTH_CLIENT_CHANGED: ("oauth_client",),
    EventName.OAUTH_CLIENT_DELETED: ("oauth_client",),
    EventName.CONSENT_WITHDRAWN: ("consent",),
    EventName.OAUTH_TOKEN_REVOKED: ("consent", "oauth_client"),
    EventName.OAUTH_CODE_REPLAYED: ("consent",),
    EventName.API_KEY_RENAMED: ("api_key",),
    EventName.API_KEY_CHANGED: ("api_key",),
    EventName.API_KEY_NARROWED: ("api_key",),
    EventName.API_KEY_WIDENED: ("api_key",),
    EventName.API_KEY_ROTATED: ("api_key",),
    EventName.API_KEY_DISABLED: ("api_key",),
    EventName.API_KEY_ENABLED: ("api_key",),
    EventName.API_KEY_REVOKED: ("api_key",),
}
EVERYBODYS = frozenset(
    {
        EventName.SECRETS_ACCEPTED,
        EventName.KEY_SOURCE_CHANGED,
        EventName.PROVIDER_CHANGED,  # another issuer ends all sessions of the one before
        EventName.PROVIDER_REMOVED,
        EventName.ENFORCEMENT_CHANGED,  # callers whom it binds do not depend on the organization
    }
)


def concerned(name: str, subjects: Sequence[str]) -> frozenset[str] | None:
    """Return the subjects of an event whose dependents may do something else now.

    None means every caller: the event has no entry, or no subject of the right kind.
    """
    kinds = WHOSE.get(name)
    if kinds == ():
        return frozenset()
    for kind in kinds or ():
        found = frozenset(each for each in subjects if each.startswith(f"{kind}:"))
        if found:
            return found
    return None
