from typing import Any

from drf_spectacular.generators import EndpointEnumerator

from access.permissions import need_of
from config import profiles
from config.checks import wire_faults
from config.commands.base import KeyhouseCommand, Output, stop_at
from config.commands.tables import Table
from config.profiles import Profile


class Command(KeyhouseCommand):
    help = "Check a profile, and show its endpoints, the scopes of its roles, and its route table."
    examples = (
        "{} keyhouse",
        "{} /etc/keyhouse/profile.toml --json",
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "profile", metavar="FILE", help="path of a TOML file, or name of a shipped profile"
        )

    def run(self, options: dict[str, Any]) -> Output:
        profile = profiles.load(options["profile"])
        with profiles.override(profile):
            stop_at(wire_faults())
            parts = {"endpoints": endpoints(), "roles": roles(profile), "routes": routes(profile)}
        document = {"product": profile.product.name, "base_path": profile.base_path, **parts}
        titles = {
            "endpoints": "Endpoints",
            "roles": "Roles and the scopes that each holds",
            "routes": "Route table of the gateway",
        }
        text: list[str | Table] = [f"{profile.source}: {profile.product.name}, valid."]
        for name, rows in parts.items():
            text += [f"\n{titles[name]}\n\n", as_table(rows)]
        return Output(document, text)


def endpoints() -> list[dict[str, str]]:
    """Return our own endpoints under the active profile's base path, with what each needs."""
    base = profiles.active().base_path
    return [endpoint for endpoint in all_endpoints() if endpoint["path"].startswith(f"{base}/")]


def all_endpoints() -> list[dict[str, str]]:
    """Return all our endpoints, with what each needs."""
    found = EndpointEnumerator().get_api_endpoints()  # type: ignore[no-untyped-call]
    return [
        {"method": method, "path": path, "needs": _need(callback, method)}
        for path, _, method, callback in found
        if hasattr(callback, "cls")
    ]


def _need(callback: Any, method: str) -> str:
    view = callback.cls()
    view.action = getattr(callback, "actions", {}).get(method.lower())
    if not getattr(view, "needs", None):
        return "nothing"
    need = need_of(view, method)
    return need if isinstance(need, str) else " or ".join(sorted(need))


def roles(profile: Profile) -> list[dict[str, str]]:
    """Return a row for each scope, with a column for each role."""
    held = {name: profile.power_of_role(name, role.level).scopes for name, role in profile.roles.items()}
    return [
        {"scope": scope, **{name: "yes" if scope in scopes else "" for name, scopes in held.items()}}
        for scope in profile.scopes
    ]


def routes(profile: Profile) -> list[dict[str, str]]:
    return [
        {
            "methods": " ".join(route.methods),
            "path": route.path,
            "credentials": " ".join(route.credentials),
            "scopes": " ".join(route.scopes),
            "roles": " ".join(route.roles),
            "second paths": " ".join(f"{header}={method}" for header, method in route.second_paths.items()),
        }
        for route in profile.routes
    ]


def as_table(rows: list[dict[str, str]]) -> Table:
    return Table(list(rows[0]) if rows else [], [list(row.values()) for row in rows], empty="none")
