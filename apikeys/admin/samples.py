"""Requests to try a new key with, in the words of a shell and of programs."""

import re
from json import dumps
from typing import NamedTuple

from django.conf import settings

from config import profiles


class Sample(NamedTuple):
    """A request: its address, its headers, and the key if it is sent as a password (RFC 7617)."""

    url: str
    headers: dict[str, str]
    password: str


def curl_line(text: str) -> str:
    """Return a command that uses the key: at our own endpoint if it accepts keys, else at the gateway."""
    sample = _sample(text)
    password = [f"-u ':{sample.password}'"] if sample.password else []
    headers = [f"-H '{name}: {value}'" for name, value in sample.headers.items()]
    return " ".join(["curl", sample.url, *headers, *password])


def python_lines(text: str) -> str:
    """Return the same request for Python, with httpx."""
    sample = _sample(text)
    headers = f"    headers={dumps(sample.headers)},\n" if sample.headers else ""
    password = f'    auth=("", {dumps(sample.password)}),\n' if sample.password else ""
    return (
        f"import httpx\n\nanswer = httpx.get(\n    {dumps(sample.url)},\n{headers}{password})\n"
        "print(answer.status_code, answer.text)"
    )


def javascript_lines(text: str) -> str:
    """Return the same request for JavaScript, with fetch."""
    sample = _sample(text)
    headers = [f"    {dumps(name)}: {dumps(value)},\n" for name, value in sample.headers.items()]
    if sample.password:
        headers.append(f'    "Authorization": "Basic " + btoa({dumps(":" + sample.password)}),\n')
    return (
        f"const answer = await fetch({dumps(sample.url)}, {{\n  headers: {{\n{''.join(headers)}  }},\n}});\n"
        "console.log(answer.status, await answer.text());"
    )


def _sample(text: str) -> Sample:
    profile = profiles.active()
    if profile.keys.at_own_endpoints:
        path, headers = f"{profile.base_path}/auth/me", {}
    else:
        path, headers = "/gateway/check", _original()
    url, form = f"{settings.PUBLIC_URL}{path}", profile.keys
    if form.header:
        return Sample(url, {**headers, form.header: text}, "")
    if form.bearer:
        return Sample(url, {**headers, "Authorization": f"Bearer {text}"}, "")
    return Sample(url, headers, text)


def _original() -> dict[str, str]:
    """Return the headers by which a proxy names the first path of the route table that takes keys."""
    routes = profiles.active().routes
    paths = [route.path for route in routes if "key" in route.credentials and "GET" in route.methods]
    return {"X-Original-Method": "GET", "X-Original-URI": _example(paths[0])} if paths else {}


def _example(path: str) -> str:
    """Return a path that matches a row of the route table."""
    return re.sub(r"\{[^}]*\}|\*\*", "1", path)
