"""Mints keys with the real packages, in a small project of each, and exports them as an operator would.

    python tests/migration/mint.py PACKAGE FILE.sqlite3

runs in an environment that has PACKAGE (rest_framework.authtoken, knox or rest_framework_api_key) and leaves
the project's database. It prints one line for each key: the header in which the package takes it, and the
name of its row. tests/migration/minted/README.md says with which versions the files there were minted.
"""

import sys
from datetime import timedelta

import django
from django.conf import settings

PACKAGE, FILE = sys.argv[1:]
settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": FILE}},
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "rest_framework", PACKAGE],
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    USE_TZ=True,
    SECRET_KEY="of a test",
    PASSWORD_HASHERS=["django.contrib.auth.hashers.PBKDF2PasswordHasher"],
)
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402


def mint_authtoken(user: User) -> str:
    from rest_framework.authtoken.models import Token

    return f"Authorization: Token {Token.objects.create(user=user).key}"


def mint_knox(user: User) -> str:
    from knox.models import AuthToken

    return f"Authorization: Token {AuthToken.objects.create(user, expiry=timedelta(days=3650))[1]}"


def mint_api_key(user: User) -> str:
    from rest_framework_api_key.models import APIKey

    return f"Authorization: Api-Key {APIKey.objects.create_key(name=user.username)[1]}"


MINTS = {
    "rest_framework.authtoken": mint_authtoken,
    "knox": mint_knox,
    "rest_framework_api_key": mint_api_key,
}

call_command("migrate", verbosity=0)
for name in ("alice", "bob"):
    print(MINTS[PACKAGE](User.objects.create(username=name, email=f"{name}@example.org")))
