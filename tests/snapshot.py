"""Stores rows that services create once per process, and inserts copies of them for each test."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any, Generic, NamedTuple, TypeVar

from django.apps import apps
from django.db import connection, transaction
from django.db.models import Model

from audit.models import Event

APPS = ("accounts", "audit", "apikeys", "leaks", "webhooks", "federation", "sessions")
Made = TypeVar("Made")


class Statement(NamedTuple):
    """One INSERT with its values, as the database takes them."""

    sql: str
    values: Any


class Snapshot(Generic[Made]):
    """The rows that `make` writes into empty tables, and what it returns: made once, copied after that."""

    def __init__(self, make: Callable[[], Made]) -> None:
        self.make = make
        self.made: Made  # once there are rows
        self.rows: list[list[Model]] = []
        self.statements: list[Statement] = []

    def write(self) -> Made:
        """Write the rows, and return what `make` returned. If the tables are not empty, `make` makes it."""
        if Event.objects.exists():
            return self.make()
        if not self.rows:
            assert not any(model._base_manager.exists() for model in _tables()), "rows of others come first"
            self.made = self.make()
            found = (list(model._base_manager.all()) for model in _tables())
            self.rows = [rows for rows in found if rows]
        elif self.statements:
            self._repeat()
        else:
            self._copy()
        return deepcopy(self.made)

    def _copy(self) -> None:
        """Write the rows, and remember how: to compile the statements takes longer than to execute them."""
        statements = []

        def listen(execute: Any, sql: str, values: Any, many: bool, context: Any) -> Any:
            if sql.startswith("INSERT"):
                statements.append(Statement(sql, values))
            return execute(sql, values, many, context)

        with connection.execute_wrapper(listen):
            for rows in self.rows:
                type(rows[0])._base_manager.bulk_create(rows)
        self.statements = statements

    def _repeat(self) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in self.statements:
                cursor.execute(statement.sql, statement.values)


def _tables() -> list[type[Model]]:
    return [model for app in APPS for model in apps.get_app_config(app).get_models()]
