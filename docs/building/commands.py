"""Every command of ours with its arguments, from the parsers that read them."""

import argparse
from collections.abc import Iterator

from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand, CommandParser

from docs.building.markdown import code, table

APPS = {
    *("config", "audit", "access", "accounts", "federation", "oauth", "apikeys", "leaks", "migration"),
    "provisioning",
    "webhooks",
    "gateway",
}
NOT_HERE = "Not supported: "  # the help of a library's command that Keyhouse replaces begins with it


def commands() -> str:
    """Return one section for each command, in alphabetical order."""
    return "\n\n".join(_section(name, command) for name, command in sorted(_ours()))


def _ours() -> Iterator[tuple[str, BaseCommand]]:
    for name, app in get_commands().items():
        if app in APPS:
            command = load_command_class(app, name)
            if not command.help.startswith(NOT_HERE):
                yield name, command


def _section(name: str, command: BaseCommand) -> str:
    parser = command.create_parser("./run manage", name)
    rows = [[_spelling(action), _help(name, parser, action)] for action in _arguments(parser)]
    parts = [f"## `{name}`", command.help]
    if rows:
        parts.append(table(["argument", "what it is"], rows))
    examples = (example.format(f"./run manage {name}") for example in getattr(command, "examples", ()))
    return "\n\n".join([*parts, "\n".join(["```sh", *examples, "```"])])


def _arguments(parser: CommandParser) -> list[argparse.Action]:
    """The arguments of this command alone: not those that all commands have."""
    common = {
        option for action in BaseCommand().create_parser("", "")._actions for option in action.option_strings
    }
    common.add("--json")
    return [action for action in parser._actions if not common.intersection(action.option_strings)]


def _spelling(action: argparse.Action) -> str:
    takes_value = action.nargs != 0
    value = action.metavar or (action.dest if not action.option_strings else action.dest.upper())
    words = [*action.option_strings[-1:], *([str(value)] if takes_value else [])]
    return code(" ".join(words)) + (" …" if _repeats(action) else "")


def _repeats(action: argparse.Action) -> bool:
    return action.nargs in {"*", "+"} or isinstance(action, argparse._AppendAction)


def _help(name: str, parser: CommandParser, action: argparse.Action) -> str:
    if not action.help:
        raise ValueError(f"{name} does not say what {_spelling(action)} is")
    words = str(parser._get_formatter()._expand_help(action))
    return words if not (action.required and action.option_strings) else f"{words} (must be given)"
