from typing import Any

from config.commands.base import KeyhouseCommand, Output
from config.database.postgresql.limits import statement_limit
from config.database.settings import POSTGRES_STATEMENT_MS


class Command(KeyhouseCommand):
    help = "Print the SQL that limits the time of statements of Keyhouse's PostgreSQL role (for PgBouncer)."
    needs_secrets = False
    examples = ('{} | psql "$DATABASE_URL"',)

    def run(self, options: dict[str, Any]) -> Output:
        limit = statement_limit()
        document = {
            "sql": limit.sql,
            "statement_timeout_ms": POSTGRES_STATEMENT_MS,
            "in_force_ms": limit.in_force_ms,
        }
        return Output(document, limit.sql)
