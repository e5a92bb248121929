"""Storing people, whose user names and e-mail addresses are unique."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.users import names
from config.database.rows import edit
from config.wire.errors import Conflict, Sentence


def insert_user(user: User) -> None:
    """Store a new person. Raises Conflict, naming the member, if the name or address is taken."""
    with _unique(user):
        user.save(force_insert=True)


def write_user(user: User, changed: Mapping[str, Any]) -> None:
    """Write the columns, and the folded forms of names. Raises Conflict if a name is taken.

    A new address counts as unverified unless `changed` sets `email_verified`.
    """
    columns = dict(changed)
    if "username" in changed:
        columns["username_key"] = names.fold(changed["username"]) if changed["username"] else None
    if "email" in changed:
        columns["email_key"] = names.fold_email(changed["email"])
        columns.setdefault("email_verified", False)
    if columns:
        named = User(pk=user.pk, username=changed.get("username"), email=changed.get("email", ""))
        with _unique(named):
            edit(User.objects.filter(pk=user.pk), **columns)


@contextmanager
def _unique(user: User) -> Iterator[None]:
    """Raise Conflict if another user has, or at this moment takes, the names of `user`."""
    check_free(user)
    try:
        with transaction.atomic():
            yield
    except IntegrityError:  # another request was faster
        check_free(user)
        raise


def check_free(user: User) -> None:
    """Raise Conflict if another user has the user name or e-mail address of `user`."""
    others = User.objects.exclude(pk=user.pk)
    if user.username and others.filter(username_key=names.fold(user.username)).exists():
        raise Conflict("username", Sentence("%(name)s is taken", name=user.username))
    if others.filter(email_key=names.fold_email(user.email)).exists():
        raise Conflict("email", Sentence("%(name)s is taken", name=user.email))
