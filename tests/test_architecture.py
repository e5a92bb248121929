"""Rules for the whole code: the direction of imports, the declarations of views, the length of files."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from access.permissions import DeclaredNeeds
from access.principals import operator
from apikeys.permissions import HasScope, required_scopes
from config import profiles
from console.base import ConsolePage

pytestmark = pytest.mark.once

PROJECT = Path(__file__).parent.parent
FOLDERS = (
    *("config", "audit", "access", "accounts", "federation", "oauth", "apikeys", "leaks", "migration"),
    *("provisioning", "webhooks", "gateway", "console"),
)
SOURCES = sorted(path for folder in FOLDERS for path in (PROJECT / folder).rglob("*.py"))
TESTS = sorted([*(PROJECT / "tests").rglob("*.py"), *(PROJECT / "bench").rglob("*.py")])
LONGEST = 300

# The floors, from the lowest. A module imports only from its own floor and those below. Folders and modules
# with their own floor are named here; all others are on the floor of their folder.
FLOORS = (
    ("config",),  # what the process runs on: environment variables, database, secrets
    ("config.profiles", "config.logs", "config.telemetry"),
    (
        "config.wire",
        "config.apps",
        "config.checks",
        "config.commands",
        "config.health",
        "config.settings",
    ),
    ("config.remote",),
    ("config.server",),
    ("audit",),
    ("access",),
    ("access.backoffice",),
    ("access.audit_log", "access.admin", "access.templatetags"),
    ("accounts",),
    ("federation",),
    ("oauth",),
    ("apikeys",),
    ("apikeys.admin", "apikeys.templatetags"),
    ("leaks",),
    ("migration",),
    ("webhooks",),
    ("provisioning",),
    ("gateway",),
    ("console",),
    ("config.urls", "config.asgi", "config.management"),  # what puts the apps together
)

PURE = (
    "apikeys/at_rest/key_text.py",
    "apikeys/at_rest/foreign.py",
    "migration/entropy.py",
    "apikeys/scopes.py",
    "access/backoffice/charts.py",
    "gateway/paths.py",
    "gateway/routes.py",
    "accounts/mail/refusals.py",
    "accounts/throttling/counters.py",
    "oauth/protocol/tokens.py",
    "oauth/protocol/user_codes.py",
    "config/env.py",
    "config/variables.py",
    "config/secrets/fingerprints.py",
    "config/hosts.py",
    "config/outgoing/addresses.py",
    "config/secrets/key_pairs.py",
    "config/secrets/key_formats.py",
    "config/limits.py",
    "config/server/environ.py",
    "config/server/limits.py",
    "config/server/refusals.py",
    "config/waiting.py",
    "config/wire/times.py",
    "config/wire/quoting.py",
    "config/profiles/*.py",
    "webhooks/signing.py",
    "leaks/scanning/rules.py",
    "leaks/scanning/search.py",
    "leaks/scanning/sources.py",
    "leaks/scanning/history.py",
    "provisioning/documents.py",
    "provisioning/changes.py",
)
DJANGO_FREE_EXCEPTIONS = {"config/profiles/__init__.py"}

PUBLIC = {
    *{"LoginView", "RefreshView", "SchemaView", "DocsView"},
    *{"ForgotPasswordView", "ResetPasswordView", "RegisterView", "ConfirmEmailView"},
    "AcceptInvitationView",
    *{"LeaksView", "GithubLeaksView", "ScannerView"},
    "DeviceAuthorizationView",
    *{"TokenView", "RevokeView", "ClientIntrospectionView", "MetadataView", "OpenIdView", "KeysView"},
}


PAGES = {
    *{"ResetPasswordPage", "RecoveryPage", "ConfirmEmailPage", "AcceptInvitationPage"},
    *{"UnsubscribePage", "UndoEmailChangePage", "ChangePasswordPage"},
    *{"AuthorizePage", "DecisionPage", "ClientLoginPage", "LogoutPage", "LogoutAnswerPage"},
    *{"EntryPage", "CallbackPage", "LinkPage", "ProviderLogout"},
    *{"RootPage", "HomePage", "LoginPage", "ProofPage", "ForgotPasswordPage", "RegisterPage"},
}


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")


@cache
def read(path: Path) -> list[ast.stmt | ast.Compare]:
    """What the rules look at in a file: its imports, at its top or in a function, and its comparisons."""
    kinds = ast.Import | ast.ImportFrom | ast.Compare | ast.Match
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, kinds)]


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the place of each import in a file, and the module; `from a import b` is "a.b"."""
    for node in read(path):
        if isinstance(node, ast.Import):
            yield from ((place(path, node), alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{place(path, node)}: relative import"
            yield from ((place(path, node), f"{node.module}.{alias.name}") for alias in node.names)


def place(path: Path, node: ast.stmt | ast.expr) -> str:
    return f"{path.relative_to(PROJECT)}:{node.lineno}"


def floor(module: str) -> int | None:
    """Return the number of a module's floor, or None for other packages."""
    found = [
        (len(name), number)
        for number, names in enumerate(FLOORS)
        for name in names
        if f"{module}.".startswith(f"{name}.")
    ]
    return max(found)[1] if found else None  # the longest matching name decides


def test_imports_never_go_up() -> None:
    upwards = [
        f"{where} imports {module}"
        for path in SOURCES
        for where, module in imports(path)
        if (floor(module) or 0) > (floor(name_of(path)) or 0)
    ]
    assert not upwards, "\n".join(upwards)


def test_every_file_is_on_a_floor() -> None:
    assert [path for path in SOURCES if floor(name_of(path)) is None] == []


def test_every_floor_is_there() -> None:
    known = {name_of(path) for path in SOURCES}
    assert [name for names in FLOORS for name in names if name not in known] == []


def test_nothing_imports_the_tests() -> None:
    found = [
        f"{where} imports {module}"
        for path in SOURCES
        for where, module in imports(path)
        if module.partition(".")[0] in {"tests", "bench"}
    ]
    assert not found, "\n".join(found)


def pure_modules() -> list[Path]:
    found = [path for pattern in PURE for path in PROJECT.glob(pattern)]
    return [path for path in found if str(path.relative_to(PROJECT)) not in DJANGO_FREE_EXCEPTIONS]


def test_pure_modules_know_no_django() -> None:
    """They also import no module of ours that imports Django."""
    pure = {name_of(each) for each in pure_modules()}
    found = [
        f"{where} imports {module}"
        for path in pure_modules()
        for where, module in imports(path)
        if not is_pure(module, pure)
    ]
    assert not found, "\n".join(found)


def is_pure(module: str, pure: set[str]) -> bool:
    if floor(module) is None:
        return module.partition(".")[0] not in {"django", "rest_framework"}
    return module in pure or module.rpartition(".")[0] in pure


def views(patterns: Any = None) -> Iterator[tuple[str, Any]]:
    """(path, view function) of everything in the URL configuration but the admin."""
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(entry, URLResolver):
            if entry.app_name != "admin":
                yield from views(entry.url_patterns)
        else:
            assert isinstance(entry, URLPattern)
            yield str(entry.pattern), entry.callback


def api_views() -> list[tuple[str, type[APIView], dict[str, str]]]:
    """(path, class, {method: action}) of every view of DRF's kind."""
    found = []
    for path, callback in views():
        view = getattr(callback, "cls", None)
        if view is not None:
            methods = [name for name in view.http_method_names if hasattr(view, name) and name != "options"]
            found.append((path, view, getattr(callback, "actions", None) or {m: m for m in methods}))
    return found


def test_every_api_view_says_what_it_needs_or_is_public() -> None:
    assert len(api_views()) > 10
    for path, view, actions in api_views():
        if view.__name__ in PUBLIC:
            continue
        assert view.permission_classes in ([DeclaredNeeds], [HasScope]), path
        for method, action in actions.items():
            assert declares(view, method, action), f"{view.__name__} at {path} says nothing about {action}"


def declares(view: Any, method: str, action: str) -> bool:
    if view.permission_classes == [HasScope]:
        return required_scopes(view, method.upper()) is not None
    return action in view.needs


def test_the_public_list_names_views_that_exist_and_need_nothing() -> None:
    public = {view.__name__: view for _, view, _ in api_views() if view.__name__ in PUBLIC}
    assert set(public) == PUBLIC
    assert not [name for name, view in public.items() if hasattr(view, "needs")]


def test_plain_views_are_few_and_known() -> None:
    plain = [callback for _, callback in views() if not hasattr(callback, "cls")]
    found = {getattr(callback, "view_class", callback) for callback in plain}
    plain_names = {view.__name__ for view in found if ConsolePage not in getattr(view, "__mro__", ())}
    assert plain_names == {"health", "ready", "metrics_page", "RedirectView", *PAGES}


def test_a_view_that_declares_nothing_lets_nobody_in() -> None:
    request: Any = APIRequestFactory().get("/")
    request.user = operator("root")
    with pytest.raises(ImproperlyConfigured):
        DeclaredNeeds().has_permission(request, type("Undeclared", (APIView,), {"get": lambda: None})())


def test_no_file_is_longer_than_300_lines() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in [*SOURCES, *TESTS]}
    assert not [f"{path.relative_to(PROJECT)}:{lines}" for path, lines in lengths.items() if lines > LONGEST]


PRODUCTS = ("keyhouse", "sentrikat", "sentinelnerd", "sequenceware", "dariet", "netrecon")


def test_no_code_asks_which_product_it_serves() -> None:
    found = [
        f"{place(path, node)}: {ast.unparse(node)}"
        for path in SOURCES
        for node in read(path)
        if isinstance(node, ast.Compare | ast.Match) and asks_which_product(node)
    ]
    assert not found, "\n".join(found)


def asks_which_product(node: ast.Compare | ast.Match) -> bool:
    asked = ast.unparse(node.subject if isinstance(node, ast.Match) else node)
    words = [str(each.value).lower() for each in ast.walk(node) if isinstance(each, ast.Constant)]
    names_one = not set(PRODUCTS).isdisjoint(words)
    return names_one or re.search(r"product\.name|profile\.(source|name)\b", asked) is not None


def test_every_shipped_profile_is_good() -> None:
    assert profiles.shipped_names()
    for name in profiles.shipped_names():
        assert profiles.load(name).product.name
