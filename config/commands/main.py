"""Runs Keyhouse's commands: for manage.py in a clone, and for the `keyhouse` of an installed wheel."""

import gc
import os
import re
import sys

from config.program import VERSION, command

POOLER_REFUSAL = "unsupported startup parameter"
OLD_SCHEMA = re.compile(r"no such (table|column)|(relation|column) .+ does not exist")


def main() -> None:
    """Run the command. Problems with the environment are reported in one line on stderr."""
    os.umask(0o077)  # only the owner may read what is written: database, secrets, mails in files
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    check_text(sys.argv)
    if sys.argv[1:] in (["version"], ["--version"]):  # Django would print its own
        print(VERSION)
        return
    gc.disable()  # until config.apps: imports leave no garbage, and collecting takes a fifth of the start
    from django.core.management import execute_from_command_line
    from django.db import Error

    from config.env import ConfigurationError
    from config.logs import escape

    try:
        execute_from_command_line(sys.argv)
        print(end="", flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # else Python tries again to write what is left
        sys.exit("keyhouse: the output was closed before all of it was written")
    except ConfigurationError as error:
        sys.exit(f"keyhouse: {escape(str(error))}")
    except Error as error:
        sys.exit(f"keyhouse: the database cannot be used: {first_line(error)}")
    except EOFError:
        sys.exit("keyhouse: the input ended too early")
    except KeyboardInterrupt:
        sys.exit("keyhouse: interrupted")


def check_text(arguments: list[str]) -> None:
    """Exit unless the arguments are UTF-8. Python keeps other bytes as lone surrogates."""
    try:
        "".join(arguments).encode()
    except UnicodeEncodeError:
        sys.exit("keyhouse: the arguments are not UTF-8 text")


def first_line(error: Exception) -> str:
    """Return the database's message, with advice for PgBouncer, and for missing or old tables."""
    text = next(iter(str(error).splitlines()), type(error).__name__)
    if POOLER_REFUSAL in text:
        return f"{text}; behind PgBouncer add ?pgbouncer=true to DATABASE_URL"
    return f"{text}; run: {command('setup')}" if OLD_SCHEMA.search(text) else text
