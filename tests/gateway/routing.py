"""A route table for tests, with the shipped profile's other tables."""

from msgspec.structs import replace

from config import profiles
from config.profiles.profile import Profile
from config.profiles.schema import Route


def row(methods: str, path: str, credentials: str = "key jwt", scopes: str = "", roles: str = "") -> Route:
    """Return a row from words separated by spaces."""
    return Route(
        methods=tuple(methods.split()),
        path=path,
        credentials=tuple(credentials.split()),  # type: ignore[arg-type]
        scopes=tuple(scopes.split()),
        roles=tuple(roles.split()),
    )


def with_routes(*routes: Route) -> Profile:
    """Return the active profile with these rows instead of its own."""
    return Profile("test", replace(profiles.active().file, routes=routes))
