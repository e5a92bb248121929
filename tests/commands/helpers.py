"""Runs commands inside this process, where a separate process would test nothing more."""

import io
import json
import subprocess
import sys
from typing import Any

import pytest
from django.core.management import CommandError, call_command

CREATED = ["id", "name", "key", "key_prefix", "scopes", "expires_at", "created_at"]


def run(name: str, *arguments: str, stdin: str = "") -> Any:
    """Return the document that a command prints with --json."""
    return json.loads(output_of(name, *arguments, "--json", stdin=stdin))


def output_of(name: str, *arguments: str, stdin: str = "") -> str:
    """Return what a command prints."""
    output = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        call_command(name, *arguments, stdout=output)
    return output.getvalue()


def refusal_of(name: str, *arguments: str, stdin: str = "") -> str:
    """Return the error of a command."""
    with pytest.raises(CommandError) as caught:
        output_of(name, *arguments, stdin=stdin)
    return str(caught.value)


def assert_one_line(done: "subprocess.CompletedProcess[str]", *words: str) -> None:
    """Assert that a process failed with nothing on stdout and one line, with these words, on stderr."""
    assert done.returncode != 0
    assert done.stdout == ""
    assert done.stderr.endswith("\n") and len(done.stderr.splitlines()) == 1, done.stderr
    for word in words:
        assert word in done.stderr
