"""System checks: what would make this installation unsafe or unable to serve."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from config import profiles

LEAST_SECRET_BITS = 128


@register
def check_profile(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """keyhouse.E001: the profile cannot be served."""
    try:
        profiles.active()
    except profiles.ProfileError as error:
        return [Error(f"profile {error.source}: {error.member}: {error.reason}", id=error.id)]
    return []


@register(Tags.security)
def check_production(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """keyhouse.E002 to E004: not fit to be reached by others."""
    if settings.DEBUG:
        return []
    return production_faults()


def production_faults() -> list[CheckMessage]:
    """Return what forbids to serve with these settings, each with what to do."""
    faults: list[CheckMessage] = []
    if settings.DEBUG:
        faults.append(Error("DEBUG is on.", hint="Unset DEBUG.", id="keyhouse.E002"))
    if is_weak(settings.SECRET_KEY):
        hint = "Unset it, and one is generated, or give 50 random characters."
        faults.append(Error("SECRET_KEY is too weak.", hint=hint, id="keyhouse.E003"))
    if any(host.startswith(("*", ".*")) for host in settings.ALLOWED_HOSTS):
        hint = "Name the hosts that clients use."
        faults.append(Error("ALLOWED_HOSTS holds *.", hint=hint, id="keyhouse.E004"))
    return faults


def is_weak(secret: str) -> bool:
    """Whether a secret is short, well known or of few different characters."""
    if len(secret) < 32 or secret.startswith("django-insecure-"):
        return True
    return shannon_bits(secret) < LEAST_SECRET_BITS


def shannon_bits(text: str) -> float:
    """Return the entropy that the counts of characters in `text` allow for, in bits."""
    counts = Counter(text).values()
    return -sum(count * math.log2(count / len(text)) for count in counts)
