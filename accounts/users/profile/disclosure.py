"""What an OAuth2 client sees of a person at auth/me, by granted scope."""

from collections.abc import Collection

# Scope -> members at auth/me, as `resource.member` of the serializers.
MEMBERS = {
    "openid": {"me.id"},
    "profile": {"me.username", "me.name"},
    "email": {"me.email"},
    "groups": {"me.organizations", "membership.id", "membership.name"},
    "roles": {"me.role", "me.organizations", "membership.id", "membership.name", "membership.role"},
}


def members_of_person(scopes: Collection[str]) -> frozenset[str]:
    """Return the members that these scopes show at auth/me, as `resource.member`."""
    return frozenset[str]().union(*(MEMBERS[scope] for scope in scopes))
