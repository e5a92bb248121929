"""Services for the secrets outside the database: recognize them, refuse others, continue without them.

Data stored under a secret is unusable without it, and nothing else would show why: with another pepper, every
API key looks unknown.
"""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet

from access.principals import Caller
from accounts import encrypted
from accounts.models import KnownSecret, RecoveryCode
from accounts.signing import keys as signing
from apikeys.models import ApiKey
from audit.actors import Origin
from audit.events import EventName
from audit.log import record
from config import env, profiles, program
from config.env import ConfigurationError
from config.secrets.fingerprints import (
    PEPPER,
    SEED_KEY,
    Comparison,
    Fingerprint,
    compare,
    compare_signers,
    fingerprints,
)
from config.secrets.key_pairs import Algorithm
from oauth.models import OAuthClient

# Where each kind of secret comes from: the variable, or else the file in the data folder.
PLACES = {PEPPER: ("KEYHOUSE_PEPPERS", "peppers"), SEED_KEY: ("KEYHOUSE_SEED_KEYS", "seed_keys")}
SIGNING_KEYS = ("KEYHOUSE_SIGNING_KEYS", "signing_key_*")
LOOKED_AT = {model._meta.db_table for model in (KnownSecret, ApiKey, OAuthClient, RecoveryCode)}


@dataclass(frozen=True)
class Findings:
    """How this installation's secrets differ from those that the database was used with, and what is lost.

    `lost` counts the rows stored under secrets that are not here: {what: how many}. The `unneeded` secrets
    are not here either, but no row is stored under them any more.
    """

    new: list[Fingerprint]
    changed: list[Fingerprint]
    missing: list[Fingerprint]
    unneeded: list[Fingerprint]
    lost: dict[str, int]

    @property
    def is_fit(self) -> bool:
        """Whether everything that worked before still works with these secrets."""
        return not (self.changed or self.missing or self.lost)

    @property
    def differences(self) -> list[str]:
        """The differences in words. None for a database of an older version, without fingerprints."""
        changed = [f"{_named(each)} in {_place(each.kind)} has changed" for each in self.changed]
        return changed + [f"{_named(each)} is missing from {_place(each.kind)}" for each in self.missing]


def check_secrets() -> None:
    """Check that the database was used with these secrets, and store the fingerprints of new ones.

    Raises ConfigurationError, which says what is missing and what to do. Takes two queries if nothing is new.
    """
    if not (LOOKED_AT | encrypted.tables()).issubset(connection.introspection.table_names()):
        return  # setup runs or was killed, or the database is an older version's
    found = _fit(_look())
    if found.new or found.unneeded:
        with transaction.atomic():
            _know(found)
            _fit(_look())  # another process may have stored others


def _fit(found: Findings) -> Findings:
    if found.is_fit:
        return found
    lost = ", ".join(f"{what}: {count}" for what, count in found.lost.items())
    raise ConfigurationError(
        "the secrets here are not those that the database was used with"
        + (f": {'; '.join(found.differences)}" if found.differences else "")
        + (f". Without the old secrets, these stop working: {lost}" if lost else "")
        + ". Put back the data folder, or the variables, that belong to this database. "
        f"If they are lost for good, {program.command('acceptsecrets --dry-run')} shows what stops working"
    )


def accept_secrets(*, caller: Caller, dry_run: bool = False) -> Findings:
    """Continue with this installation's secrets, record that, and return how they differ.

    Rows stored under lost secrets stay: an operator who finds a lost pepper can add it under a new number.
    """
    with transaction.atomic():
        found = _look()
        if not found.is_fit and not dry_run:
            for each in (*found.changed, *found.missing):
                same = KnownSecret.objects.filter(kind=each.kind)
                (same.filter(number=each.number) if each.kind in PLACES else same).delete()
            _know(_look())
            detail = {"differences": found.differences, "lost": found.lost}
            actor = caller.principal.actor
            record(EventName.SECRETS_ACCEPTED, actor=actor, origin=caller.origin, detail=detail)
    return found


def _know(found: Findings) -> None:
    """Store the fingerprints of these secrets. If two processes start with different ones, the first wins."""
    for each in found.unneeded:
        KnownSecret.objects.filter(kind=each.kind, number=each.number).delete()
    now = Origin.here().at
    KnownSecret.objects.bulk_create(
        [
            KnownSecret(kind=each.kind, number=each.number, fingerprint=each.text, known_since=now)
            for each in found.new
        ],
        ignore_conflicts=True,
    )


def _look() -> Findings:
    known = [Fingerprint(row.kind, row.number, row.fingerprint) for row in KnownSecret.objects.all()]
    pepper, seed_key = (
        compare(fingerprints(kind, secrets), [each for each in known if each.kind == kind])
        for kind, secrets in ((PEPPER, settings.PEPPERS), (SEED_KEY, settings.SEED_KEYS))
    )
    signers = [_signers(algorithm, known) for algorithm in profiles.active().signing_algorithms]
    without_peppers = _without_peppers(pepper, is_first_look=not known)
    without_seed_keys = _without_seed_keys(seed_key, is_first_look=not known)
    needed = [*(pepper.gone if without_peppers else []), *(seed_key.gone if without_seed_keys else [])]
    return Findings(
        new=[each for one in (pepper, seed_key, *signers) for each in one.new],
        changed=[*pepper.changed, *seed_key.changed],
        missing=[*needed, *(each for one in signers for each in one.gone)],
        unneeded=[each for each in (*pepper.gone, *seed_key.gone) if each not in needed],
        lost=without_peppers | without_seed_keys,
    )


def _signers(algorithm: Algorithm, known: list[Fingerprint]) -> Comparison:
    """Compare the existing signing keys. Their files are created when something is first signed."""
    kids = [key.kid for key in signing.keys_for(algorithm, make=False)]
    return compare_signers(algorithm, kids, [each for each in known if each.kind == algorithm])


def _without_peppers(pepper: Comparison, *, is_first_look: bool) -> dict[str, int]:
    """Count the rows stored under peppers that are not here. Reads nothing unless one could be missing.

    Rows without a number are older than numbered peppers, and may be stored under any earlier pepper.
    """
    if not (pepper.changed or pepper.gone or is_first_look):
        return {}
    here = set(settings.PEPPERS) - {each.number for each in pepper.changed}
    other = ~Q(pepper__in=here) & Q(pepper__isnull=False)
    if not is_first_look:
        other |= Q(pepper__isnull=True)
    rows: dict[str, QuerySet[Any]] = {
        "API keys": ApiKey.objects.unended(Origin.here().at),
        "secrets of OAuth2 clients": OAuthClient.objects.exclude(client_secret=""),
        "recovery codes": RecoveryCode.objects.all(),
    }
    counts = {what: kept.filter(other).count() for what, kept in rows.items()}
    return {what: count for what, count in counts.items() if count}


def _without_seed_keys(seed_key: Comparison, *, is_first_look: bool) -> dict[str, int]:
    """Count what no seed key here decrypts. Reads nothing unless one could be missing."""
    return encrypted.unreadable() if seed_key.changed or seed_key.gone or is_first_look else {}


def _named(secret: Fingerprint) -> str:
    return f"{secret.kind} {secret.number}" if secret.kind in PLACES else f"{secret.kind} key {secret.text}"


def _place(kind: str) -> str:
    variable, file = PLACES.get(kind, SIGNING_KEYS)
    return variable if env.text(variable) else str(settings.DATA_DIR / file)
