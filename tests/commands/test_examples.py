"""The help of every command has examples, and the command takes them."""

import shlex

import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import CommandError, CommandParser

from config.commands.base import JsonCommand
from docs.building.commands import APPS

pytestmark = pytest.mark.once


def ours() -> dict[str, JsonCommand]:
    found = {name: load_command_class(app, name) for name, app in get_commands().items() if app in APPS}
    return {
        name: command
        for name, command in found.items()
        if isinstance(command, JsonCommand) and not command.help.startswith("Not supported: ")
    }


def arguments_of(example: str) -> list[str]:
    """The words that the shell passes to the command: those up to a pipe or a redirection."""
    words = shlex.split(example)
    assert "{}" in words, "an example has the command"
    passed = words[words.index("{}") + 1 :]
    end = next((place for place, word in enumerate(passed) if word in {"<", "|", ">"}), len(passed))
    return passed[:end]


def parser_of(name: str) -> CommandParser:
    return ours()[name].create_parser("manage.py", name)


@pytest.mark.parametrize("name", sorted(ours()))
def test_every_example_of_a_command_is_one_that_it_takes(name: str) -> None:
    command = ours()[name]
    assert command.examples
    for example in command.examples:
        parser_of(name).parse_args(arguments_of(example))


@pytest.mark.parametrize("name", sorted(ours()))
def test_help_shows_each_example_on_a_line(name: str) -> None:
    lines = parser_of(name).format_help().splitlines()
    for example in ours()[name].examples:
        assert f"  {example.format(f'manage.py {name}')}" in lines


def test_a_typo_in_an_example_would_be_found() -> None:
    with pytest.raises(CommandError):
        parser_of("listusers").parse_args(arguments_of("{} --organisation Acme"))
