"""A curl command to try a new key."""

import re

from django.conf import settings

from config import profiles


def curl_line(text: str) -> str:
    """Return a command that uses the key: at our own endpoint if it accepts keys, else at the gateway."""
    return f"curl {settings.PUBLIC_URL}{_address()} {_credential(text)}"


def _credential(text: str) -> str:
    form = profiles.active().keys
    if form.header:
        return f"-H '{form.header}: {text}'"
    return f"-H 'Authorization: Bearer {text}'" if form.bearer else f"-u ':{text}'"


def _address() -> str:
    profile = profiles.active()
    if profile.keys.at_own_endpoints:
        return f"{profile.base_path}/auth/me"
    paths = [route.path for route in profile.routes if "key" in route.credentials and "GET" in route.methods]
    return "/gateway/check" + (
        f" -H 'X-Original-Method: GET' -H 'X-Original-URI: {_example(paths[0])}'" if paths else ""
    )


def _example(path: str) -> str:
    """Return a path that matches a row of the route table."""
    return re.sub(r"\{[^}]*\}|\*\*", "1", path)
