"""Use cases of the secrets outside of the database: know them again, refuse others, go on without them.

What is stored under a secret is worthless without it, and nobody could tell: a key under another pepper
is a key that never was.
"""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet

from access.principals import Caller
from accounts.models import KnownSecret, RecoveryCode, SecondFactor
from accounts.second_factor import seed_encryption
from accounts.signing import keys as signing
from apikeys.models import ApiKey
from audit.actors import Origin
from audit.events import EventName
from audit.log import record
from config import env, profiles
from config.database.rows import in_parts
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

# Of each kind: the variable, and else the file in the data folder. All others are signing keys.
PLACES = {PEPPER: ("KEYHOUSE_PEPPERS", "peppers"), SEED_KEY: ("KEYHOUSE_SEED_KEYS", "seed_keys")}
SIGNING_KEYS = ("KEYHOUSE_SIGNING_KEYS", "signing_key_*")
# The tables that a look reads. A database has only some of them while setup works, and after it was killed.
LOOKED_AT = {model._meta.db_table for model in (KnownSecret, ApiKey, OAuthClient, RecoveryCode, SecondFactor)}


@dataclass(frozen=True)
class Findings:
    """How the secrets at hand differ from those that the database was used with, and what that costs.

    `lost` is {what: how many} of what is stored under secrets that are not here; under those that are
    `unneeded` and not here, either, nothing is stored any more.
    """

    new: list[Fingerprint]
    changed: list[Fingerprint]
    missing: list[Fingerprint]
    unneeded: list[Fingerprint]
    lost: dict[str, int]

    @property
    def is_fit(self) -> bool:
        """Whether everything that worked before works with these secrets."""
        return not (self.changed or self.missing or self.lost)

    @property
    def differences(self) -> list[str]:
        """In words; none of an older version's database, which does not know what it was used with."""
        changed = [f"{_named(each)} in {_place(each.kind)} is another one" for each in self.changed]
        return changed + [f"{_named(each)} is missing in {_place(each.kind)}" for each in self.missing]


def check_secrets() -> None:
    """Let only secrets be used that this database knows, and new ones, which it knows from then on.

    Raises ConfigurationError, which says what is missing and what to do. Two queries, unless there is news.
    """
    if not LOOKED_AT.issubset(connection.introspection.table_names()):
        return  # the database is not set up, or is an older version's
    found = _fit(_look())
    if found.new or found.unneeded:
        with transaction.atomic():
            _know(found)
            _fit(_look())  # somebody else may have begun with others


def _fit(found: Findings) -> Findings:
    if found.is_fit:
        return found
    lost = ", ".join(f"{what}: {count}" for what, count in found.lost.items())
    raise ConfigurationError(
        "the secrets here are not those that this database was used with"
        + (f": {'; '.join(found.differences)}" if found.differences else "")
        + (f". Without those, these are worthless: {lost}" if lost else "")
        + ". Put back the data folder, or the variables, that belong to this database. "
        "If they are lost for good: manage.py acceptsecrets --dry-run says what stops working"
    )


def accept_secrets(*, caller: Caller, dry_run: bool = False) -> Findings:
    """Go on with the secrets at hand, whatever is stored under others; recorded. Return how they differ.

    Nothing else is deleted: who finds a lost pepper adds it, under a number of its own.
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
    """From now on these are the secrets. Of two who begin with different ones, the first one counts."""
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
    """Compare the signing keys that there are: files are made when something is to be signed."""
    kids = [key.kid for key in signing.keys_for(algorithm, make=False)]
    return compare_signers(algorithm, kids, [each for each in known if each.kind == algorithm])


def _without_peppers(pepper: Comparison, *, is_first_look: bool) -> dict[str, int]:
    """Count what is stored under peppers that are not here; nothing is read unless one could be missing.

    What has no number, since it is older than these, may be stored under any pepper that was there before.
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
    """Count second factors that no key here reads: they do not say which one they need."""
    if not (seed_key.changed or seed_key.gone or is_first_look):
        return {}
    stored = in_parts(SecondFactor.objects.order_by("pk"))
    count = sum(seed_encryption.decrypt(each.seed) is None for each in stored)
    return {"second factors": count} if count else {}


def _named(secret: Fingerprint) -> str:
    return f"{secret.kind} {secret.number}" if secret.kind in PLACES else f"{secret.kind} key {secret.text}"


def _place(kind: str) -> str:
    variable, file = PLACES.get(kind, SIGNING_KEYS)
    return variable if env.text(variable) else str(settings.DATA_DIR / file)
