import json
import secrets
import shlex
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from access.callers import caller_at_command_line
from accounts.users.first_run import create_first_admin, is_first_run
from apikeys.services.known_secrets import check_secrets
from config import env, profiles
from config.backends import mail_host
from config.commands.base import KeyhouseCommand, Output
from config.commands.terminal import ask, ask_twice, has_terminal, say, warn_of_unknown_variables
from config.database.migrate import bring_up_to_date
from config.wire import members as wire_members
from config.wire.errors import Invalid

NO_NEWS = "Nothing to do: the database is up to date and has users."


class Command(KeyhouseCommand):
    help = "Migrate the database. On the first run, also create an organization and an administrator."
    examples = ("{}",)

    def run(self, options: dict[str, Any]) -> Output:
        warn_of_unknown_variables()
        bring_up_to_date()
        check_secrets()
        if not is_first_run():
            return Output({"admin": None}, NO_NEWS)
        if has_terminal() and not env.text("KEYHOUSE_ADMIN_PASSWORD"):
            return self._ask()
        return self._from_environment()

    def _ask(self) -> Output:
        say("Welcome. Who is the first administrator?")
        while True:
            username = ask("User name", env.text("KEYHOUSE_ADMIN_USERNAME") or "admin")
            email = ask("E-mail address", env.text("KEYHOUSE_ADMIN_EMAIL") or _default_email())
            try:
                return self._create(username, email, ask_twice("Password"))
            except Invalid as error:
                say(f"{error.detail}\n")

    def _from_environment(self) -> Output:
        username = env.text("KEYHOUSE_ADMIN_USERNAME") or "admin"
        email = env.text("KEYHOUSE_ADMIN_EMAIL") or _default_email()
        password = env.text("KEYHOUSE_ADMIN_PASSWORD")
        try:
            if password:
                return self._create(username, email, password)
            return self._create_with_new_password(username, email)
        except Invalid as error:
            member = next(iter(error.errors))
            raise CommandError(f"KEYHOUSE_ADMIN_{member.upper()}: {error.errors[member]}") from None

    def _create_with_new_password(self, username: str, email: str) -> Output:
        password = secrets.token_urlsafe(18)
        document, text = self._create(username, email, password)
        if document["admin"] is None:
            return Output(document, text)
        line = _login_line({"username": username, "email": email, "password": password})
        shown = f"{text}\nPassword: {password} (shown only now)\nLog in:   {line}"
        return Output(document | {"password": password}, shown)

    def _create(self, username: str, email: str, password: str) -> Output:
        user = create_first_admin(
            caller=caller_at_command_line(), username=username, email=email, password=password
        )
        if user is None:
            return Output({"admin": None}, NO_NEWS)
        return Output({"admin": user.username}, f"Administrator {user.username} ({user.email}) created.")


def _login_line(values: dict[str, str]) -> str:
    """Return the command that logs in, with the profile's member names."""
    profile = profiles.active()
    members = (profile.login.identifiers[0], "password")
    body = json.dumps({wire_members.external_name("login", member): values[member] for member in members})
    address = f"{settings.PUBLIC_URL}{profile.base_path}/auth/login"
    return f"curl {address} -H 'Content-Type: application/json' -d {shlex.quote(body)}"


def _default_email() -> str:
    return f"admin@{mail_host(settings.PUBLIC_HOST)}"
