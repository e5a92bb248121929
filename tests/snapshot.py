"""Rows that services made once in this process, written again for every test that begins with them."""

from collections.abc import Callable

from django.apps import apps
from django.db.models import Model

from audit.models import Event

APPS = ("accounts", "audit", "apikeys")


class Snapshot:
    """What `make` writes into empty tables: by itself the first time, as copies of its rows from then on."""

    def __init__(self, make: Callable[[], None]) -> None:
        self.make = make
        self.rows: list[list[Model]] = []

    def write(self) -> None:
        """Write the rows, and have `make` do it where they would not be the first ones."""
        if Event.objects.exists():
            self.make()
        elif self.rows:
            for rows in self.rows:
                type(rows[0])._base_manager.bulk_create(rows)
        else:
            assert not any(model._base_manager.exists() for model in _tables()), "rows of others come first"
            self.make()
            found = (list(model._base_manager.all()) for model in _tables())
            self.rows = [rows for rows in found if rows]


def _tables() -> list[type[Model]]:
    return [model for app in APPS for model in apps.get_app_config(app).get_models()]
