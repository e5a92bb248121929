"""Every command as a process: --json is one document and nothing else, a failure is one line on stderr."""

import json
import os
import subprocess
import sys

import pytest
from django.core.management import get_commands, load_command_class

from tests.commands.helpers import assert_one_line, refusal_of
from tests.installation import ADMIN, PROJECT, Installation

pytestmark = [pytest.mark.once, pytest.mark.slow]

PASSWORD = ADMIN["KEYHOUSE_ADMIN_PASSWORD"]
DORA = ("--username", "dora", "--email", "dora@example.org", "--role", "member")


def test_with_json_every_command_prints_one_document_and_nothing_else(installation: Installation) -> None:
    def run(*arguments: str, stdin: str = "") -> object:
        done = installation.manage(*arguments, "--json", stdin=stdin)
        assert (done.returncode, done.stderr) == (0, "")
        assert len(done.stdout.splitlines()) == 1
        return json.loads(done.stdout)

    assert run("setup") == {"admin": None}
    run("createorganization", "--name", "Acme")
    run("createuser", *DORA, "--organization", "Acme=owner", "--password-stdin", stdin=PASSWORD)
    run("changepassword", "dora", "--password-stdin", stdin="another walk to the lighthouse")
    run("createapikey", "--name", "k", "--organization", "Acme")
    run("listapikeys")
    run("revokeapikey", "--organization", "Acme")
    run("auditverify")


WRONG = [  # one of each command
    (("createorganization", "--name", "a\nb"), ("name: ",)),
    (("createuser", *DORA, "--role", "a\x1b[1m", "--password-stdin"), ("role: ",)),
    (("changepassword", "nobody\nat all", "--password-stdin"), ("user: ",)),
    (("createapikey", "--name", "k", "--user", "admin", "--expires-in", "1 d"), ("expires-in: '1 d'",)),
    (("listapikeys", "extra\nword"), ("extra word",)),
    (("revokeapikey", "\x1b[2J"), ("\\x1b[2J",)),
    (("auditverify", "--frobnicate"), ("--frobnicate",)),
    (("setup", "now"), ("now",)),
    (("serve", "--frobnicate"), ("--frobnicate",)),
]
WRONG_TOO = [
    (("createorganization",), ("--name",)),
    (("createorganization", "--nome", "Acme"), ("--name",)),
    (("createuser", *DORA), ("--password-stdin",)),
    (("createuser", "--username", "dora"), ("--email", "--role")),
    (("changepassword", "--password-stdin"), ("user",)),
    (("createapikey", "--name", "k"), ("--user", "--organization")),
    (("listapikeys", "--unused-for", "long"), ("unused-for: 'long'",)),
    (("revokeapikey",), ("--stdin",)),
]


@pytest.mark.parametrize(("arguments", "words"), WRONG)
def test_wrong_arguments_are_one_line(
    module_installation: Installation, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    assert_one_line(module_installation.manage(*arguments, "--json"), *words)


@pytest.mark.parametrize(("arguments", "words"), WRONG_TOO)
def test_wrong_arguments_are_refused_in_words_that_fit_a_line(
    db: None, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    reason = refusal_of(*arguments, "--json")
    assert reason.isprintable()
    assert all(word in reason for word in words), reason


def run_raw(
    installation: Installation, *arguments: str | bytes, stdin: bytes = b""
) -> "subprocess.CompletedProcess[str]":
    """Run a command with arguments and input that are not text."""
    command = [*installation.manage_py, *arguments]
    done = subprocess.run(
        command, input=stdin, capture_output=True, timeout=300, env=installation.environment
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.mark.parametrize("argument", [b"\xff", b"a\xed\xa0\x80"])
def test_arguments_that_are_no_text_are_one_line(module_installation: Installation, argument: bytes) -> None:
    done = run_raw(module_installation, "listapikeys", "--user", argument)
    assert_one_line(done, "the arguments are not UTF-8 text")


@pytest.mark.parametrize(
    "arguments", [("createuser", *DORA, "--password-stdin"), ("revokeapikey", "--stdin")]
)
def test_input_that_is_no_text_is_one_line(
    module_installation: Installation, arguments: tuple[str, ...]
) -> None:
    done = run_raw(module_installation, *arguments, stdin=b"\xff\xfe\n")
    assert_one_line(done, "standard input is not UTF-8 text")


@pytest.mark.parametrize("arguments", [("listusers",), ("listusers", "--json"), ("help",)])
def test_output_that_is_closed_is_one_line(
    module_installation: Installation, arguments: tuple[str, ...]
) -> None:
    """As in `listusers | head -1`, when head has ended."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, str(PROJECT / "manage.py"), *arguments],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        env=module_installation.environment,
    )
    os.close(writer)
    said = "keyhouse: the output was closed before all of it was written\n"
    assert (done.returncode, done.stderr) == (1, said)


def test_input_that_is_closed_is_one_line(module_installation: Installation) -> None:
    command = [sys.executable, str(PROJECT / "manage.py"), "revokeapikey", "--stdin"]
    script = 'exec "$@" <&-'
    done = subprocess.run(
        ["/bin/sh", "-c", script, "sh", *command],
        text=True,
        capture_output=True,
        timeout=300,
        env=module_installation.environment,
    )
    assert_one_line(done, "standard input is closed")


@pytest.mark.parametrize("name", ["setup", "createuser", "changepassword", "createapikey", "revokeapikey"])
@pytest.mark.requirement(79)
def test_no_command_takes_a_secret_as_an_argument(name: str) -> None:
    command = load_command_class(get_commands()[name], name)
    text = command.create_parser("manage.py", name).format_help()
    options = {word.strip("[],") for word in text.split() if word.strip("[").startswith("--")}
    assert "--json" in options
    assert options.isdisjoint({"--password", "--key", "--secret", "--token"})


@pytest.mark.requirement(79)
def test_a_password_as_an_argument_is_refused(db: None) -> None:
    assert "unrecognized arguments" in refusal_of("createuser", *DORA, "--password", PASSWORD)
