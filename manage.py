#!/usr/bin/env python
"""Keyhouse's commands, in a clone. `manage.py help` lists them."""

from config.commands.main import main

if __name__ == "__main__":
    main()
