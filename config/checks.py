"""System checks: reasons why this installation would be unsafe, or could not serve."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from config import env, profiles
from config.hosts import host_of, is_loopback
from config.wire.checks import faults

LEAST_SECRET_BITS = 128
HINT = "Correct the profile."


@register
def check_profile(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """keyhouse.E001: the profile cannot be served."""
    try:
        profiles.active()
    except profiles.ProfileError as error:
        return [Error(f"profile {error.source}: {error.member}: {error.reason}", id=error.id)]
    return []


@register
def check_wire(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """keyhouse.E005: the profile gives names to members or resources that do not exist."""
    if check_profile(None):
        return []
    return wire_faults()


def wire_faults() -> list[CheckMessage]:
    """Return the names in the profile's wire table that no endpoint has."""
    source = profiles.active().source
    return [
        Error(f"profile {source}: {fault.member}: {fault.reason}.", hint=HINT, id="keyhouse.E005")
        for fault in faults()
    ]


@register
def check_signing_keys(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """keyhouse.E006: the given signing keys lack one for an algorithm of the profile."""
    if check_profile(None):
        return []
    return signing_key_faults()


def signing_key_faults() -> list[CheckMessage]:
    """Return the profile's signing algorithms that KEYHOUSE_SIGNING_KEYS, if set, has no key for."""
    given = {key.algorithm for key in settings.SIGNING_KEYS}
    return [
        Error(f"KEYHOUSE_SIGNING_KEYS has no key for {name}.", hint="Add one.", id="keyhouse.E006")
        for name in profiles.active().signing_algorithms
        if given and name not in given
    ]


@register
def check_checkpoints(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """keyhouse.W002: the given signing keys lack the one that signs checkpoints of the audit log."""
    given = {key.algorithm for key in settings.SIGNING_KEYS}
    if not given or "EdDSA" in given or not (settings.AUDIT_SYSLOG or settings.AUDIT_FILE):
        return []
    words = "KEYHOUSE_SIGNING_KEYS has no Ed25519 key, so the exported audit log has no checkpoints."
    return [Warning(words, hint="Append one.", id="keyhouse.W002")]


@register
def check_variables(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """keyhouse.W001: a variable begins as Keyhouse's do, but Keyhouse does not read it."""
    return [Warning(fault, hint="Correct or unset it.", id="keyhouse.W001") for fault in env.unknown()]


@register(Tags.security)
def check_production(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """keyhouse.E002 to E004, and E007: settings that are unsafe in production."""
    if settings.DEBUG:
        return []
    return production_faults()


def production_faults() -> list[CheckMessage]:
    """Return the reasons not to serve with these settings, each with a hint."""
    faults: list[CheckMessage] = []
    if settings.DEBUG:
        faults.append(Error("DEBUG is on.", hint="Unset DEBUG.", id="keyhouse.E002"))
    if is_weak(settings.SECRET_KEY):
        hint = "Unset it, so that Keyhouse generates one, or set 50 random characters."
        faults.append(Error("SECRET_KEY is too weak.", hint=hint, id="keyhouse.E003"))
    if any(host.startswith(("*", ".*")) for host in settings.ALLOWED_HOSTS):
        hint = "Name the hosts that clients use."
        faults.append(Error("ALLOWED_HOSTS contains *.", hint=hint, id="keyhouse.E004"))
    return faults + _unsafe_origins()


def _unsafe_origins() -> list[CheckMessage]:
    return [
        Error(
            f"KEYHOUSE_CORS_ORIGINS contains {origin}: others on the network could change its pages.",
            hint=f"Serve them at https://{origin.removeprefix('http://')}.",
            id="keyhouse.E007",
        )
        for origin in settings.CORS_ALLOWED_ORIGINS
        if origin.startswith("http://") and not is_loopback(host_of(origin))
    ]


def is_weak(secret: str) -> bool:
    """Whether a secret is short, well known, repetitive, or has few different characters."""
    once = secret[: (secret + secret).find(secret, 1)]  # "abcabc" is "abc", twice
    if len(once) < 32 or secret.startswith("django-insecure-"):
        return True
    return shannon_bits(once) < LEAST_SECRET_BITS


def shannon_bits(text: str) -> float:
    """Return the entropy that the counts of characters in `text` allow for, in bits."""
    counts = Counter(text).values()
    return -sum(count * math.log2(count / len(text)) for count in counts)
