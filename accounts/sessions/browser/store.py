"""Browser sessions of the admin and the OAuth2 pages, in Django's table but without the cookies."""

import base64
import hashlib
from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession
from django.utils import timezone

from config.database.sql import as_time, select

READ = "SELECT session_data, expire_date FROM django_session WHERE session_key = %s"


class SessionStore(db.SessionStore):
    """Django's store, but each row is stored under the digest of its cookie (ASVS 14.2).

    So nobody can log in with a copy of the table. `session_key` is the value of the cookie.
    """

    def load(self) -> dict[str, Any]:
        for stored, ends in select(READ, [digest(self.session_key or "")]):
            if as_time(ends) > timezone.now():
                data: dict[str, Any] = self.decode(stored)
                return data
        self._session_key = None  # a browser must not choose the key of its session (session fixation)
        return {}

    def exists(self, session_key: str) -> bool:
        return super().exists(digest(session_key))

    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        row = super().create_model_instance(data)
        row.session_key = digest(row.session_key)
        return row

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key:
            super().delete(digest(key))

    # Django's database store overrides these with versions that use the cookie; the base class calls ours.
    aload = SessionBase.aload
    aexists = SessionBase.aexists
    acreate = SessionBase.acreate
    asave = SessionBase.asave
    adelete = SessionBase.adelete


def digest(cookie: str) -> str:
    """Return 240 bits of the cookie's SHA-256, in the 40 characters that the column holds.

    A cookie is 32 random characters, which nobody can guess, so a fast hash is enough.
    """
    return base64.urlsafe_b64encode(hashlib.sha256(cookie.encode()).digest()[:30]).decode()
