"""What clients of OAuth2 see of a person at auth/me, by the scopes that were granted."""

from collections.abc import Collection

# What the scopes open at auth/me; the serializers' resources and members.
MEMBERS = {
    "openid": {"me.id"},
    "profile": {"me.username", "me.name"},
    "email": {"me.email"},
    "groups": {"me.organizations", "membership.id", "membership.name"},
    "roles": {"me.role", "me.organizations", "membership.id", "membership.name", "membership.role"},
}


def members_of_person(scopes: Collection[str]) -> frozenset[str]:
    """Return the members that these scopes open at auth/me, as resource.member."""
    return frozenset[str]().union(*(MEMBERS[scope] for scope in scopes))
