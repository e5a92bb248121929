"""Imported keys of which their system stored a password hash: found by their prefix, and hashed at first use.

A hash takes most of a second of a core. So a process checks one such key at a time and refuses others
meanwhile, in the threads that hash passwords, and attempts are limited. It is never done on the event loop.
"""

import threading
from functools import partial

from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.utils.translation import gettext_noop

from accounts.passwords import hashing
from accounts.throttling.services import attempt, succeeded
from apikeys.at_rest import foreign
from apikeys.models import ImportedHash
from audit.actors import Origin
from config.limits import Limit
from config.wire.errors import Busy

AT_ONCE = 1  # in a process: checks have two threads
RETRY_SECONDS = 1
WAIT = gettext_noop("An imported key is being checked. Try again in a second.")

_turns = threading.BoundedSemaphore(AT_ONCE)


def is_found_by_prefix(digest: bytes, text: str) -> bool:
    """Whether this stored digest is only that of the prefix of `text`, so that the rest must be checked."""
    kinds = [name for name, kind in foreign.KINDS.items() if kind.is_slow and kind.shape.fullmatch(text)]
    peppers = settings.PEPPERS.values()
    return digest in [
        foreign.stored(name, prefix, pepper)
        for name in kinds
        for prefix in foreign.KINDS[name].digests(text, ())
        for pepper in peppers
    ]


def is_key(number: int, text: str, origin: Origin) -> bool:
    """Whether a text is the key of the row with this primary key, by its hash.

    Raises TooManyAttempts, and Busy while the process checks another key.
    """
    if not _turns.acquire(blocking=False):
        raise Busy(WAIT, RETRY_SECONDS)
    try:
        attempt(Limit.IMPORTED_KEY, subject=str(number), origin=origin)
        encoded = ImportedHash.objects.filter(pk=number).values_list("encoded", flat=True).first()
        if encoded is None:  # the key was used at this moment, and is found without its hash from now on
            raise Busy(WAIT, RETRY_SECONDS)
        if not hashing.run(partial(PBKDF2PasswordHasher().verify, text, encoded)):
            return False
        succeeded(Limit.IMPORTED_KEY, subject=str(number), origin=origin)
    finally:
        _turns.release()
    return True


def forget(number: int) -> None:
    """Delete the hash of a key that is stored under our own digest by now."""
    ImportedHash.objects.filter(pk=number).delete()
