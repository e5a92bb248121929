import secrets
import sys
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.callers import caller_at_command_line
from accounts.services.first_run import create_first_admin, is_first_run
from config import env, profiles
from config.commands import KeyhouseCommand, ask_twice
from config.errors import Invalid

NO_NEWS = "Nothing to do: the database is up to date and has users."


class Command(KeyhouseCommand):
    help = "Bring the database up to date and, the first time, make an organization and an administrator."

    def run(self, options: dict[str, Any]) -> tuple[Any, str]:
        profiles.active()
        call_command("migrate", interactive=False, verbosity=0)
        if not is_first_run():
            return {"admin": None}, NO_NEWS
        if sys.stdin.isatty() and not env.text("KEYHOUSE_ADMIN_PASSWORD"):
            return self._ask()
        return self._from_environment()

    def _ask(self) -> tuple[Any, str]:
        print("Welcome. Who is the first administrator?")
        while True:
            username = input("User name [admin]: ").strip() or "admin"
            email = input(f"E-mail address [{_default_email()}]: ").strip() or _default_email()
            try:
                return self._create(username, email, ask_twice("Password"))
            except Invalid as error:
                print(f"{error.detail}\n")

    def _from_environment(self) -> tuple[Any, str]:
        username = env.text("KEYHOUSE_ADMIN_USERNAME") or "admin"
        email = env.text("KEYHOUSE_ADMIN_EMAIL") or _default_email()
        password = env.text("KEYHOUSE_ADMIN_PASSWORD")
        if not password:
            return self._create_with_new_password(username, email)
        try:
            return self._create(username, email, password)
        except Invalid as error:
            member = next(iter(error.errors))
            raise CommandError(f"KEYHOUSE_ADMIN_{member.upper()}: {error.errors[member]}") from None

    def _create_with_new_password(self, username: str, email: str) -> tuple[Any, str]:
        password = secrets.token_urlsafe(18)
        document, text = self._create(username, email, password)
        address = f"{settings.PUBLIC_URL}{profiles.active().base_path}/auth/login"
        body = f'{{"username": "{username}", "password": "{password}"}}'
        line = f"curl {address} -H 'Content-Type: application/json' -d '{body}'"
        return document | {
            "password": password
        }, f"{text}\nPassword: {password} (shown only now)\nLog in:   {line}"

    def _create(self, username: str, email: str, password: str) -> tuple[Any, str]:
        user = create_first_admin(
            caller=caller_at_command_line(), username=username, email=email, password=password
        )
        if user is None:
            return {"admin": None}, NO_NEWS
        return {"admin": user.username}, f"Administrator {user.username} ({user.email}) made."


def _default_email() -> str:
    host = urlsplit(settings.PUBLIC_URL).hostname or ""
    return f"admin@{host}" if any(c.isalpha() for c in host) and "." in host else "admin@localhost"
