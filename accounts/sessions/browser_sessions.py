"""Browsers' sessions, for the admin and the pages of OAuth2: Django's table, which has no cookie in it."""

import base64
import hashlib
from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession
from django.contrib.sessions.models import Session
from django.utils import timezone


class SessionStore(db.SessionStore):
    """Django's, but a row is stored and found under the digest of its cookie (ASVS 14.2).

    Reading the table, or a backup of it, logs nobody in. `session_key` is what the cookie says.
    """

    def load(self) -> dict[str, Any]:
        key = digest(self.session_key or "")
        row = Session.objects.filter(session_key=key, expire_date__gt=timezone.now()).first()
        if row is None:
            self._session_key = None  # so that nobody chooses the key of a session (session fixation)
            return {}
        data: dict[str, Any] = self.decode(row.session_data)
        return data

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

    # Django's database store repeats each of these, cookie and all; the base class calls the ones above.
    aload = SessionBase.aload
    aexists = SessionBase.aexists
    acreate = SessionBase.acreate
    asave = SessionBase.asave
    adelete = SessionBase.adelete


def digest(cookie: str) -> str:
    """Return what is stored of a cookie: 240 bits of its SHA-256, the 40 characters that the column takes.

    Nobody guesses 32 random characters, so a fast hash will do.
    """
    return base64.urlsafe_b64encode(hashlib.sha256(cookie.encode()).digest()[:30]).decode()
