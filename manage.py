#!/usr/bin/env python
"""Keyhouse's commands. `manage.py help` lists them."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line
    from django.db import InterfaceError, OperationalError

    from config.env import ConfigurationError

    try:
        execute_from_command_line(sys.argv)
    except ConfigurationError as error:
        sys.exit(f"keyhouse: {error}")
    except (OperationalError, InterfaceError) as error:
        sys.exit(f"keyhouse: the database cannot be used: {str(error).splitlines()[0]}")


if __name__ == "__main__":
    main()
