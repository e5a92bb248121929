"""Use case of signing keys: rotate one."""

from access.principals import Caller
from accounts.signing import keys as signing
from audit.actors import Target
from audit.events import EventName
from audit.log import record
from config import profiles
from config.secrets.key_pairs import Algorithm, KeyPair
from config.wire.errors import Invalid, Sentence


def rotate_signing_key(*, caller: Caller, algorithm: Algorithm | None = None) -> KeyPair:
    """Make a new key, which signs from now on, and record that.

    `algorithm` may be omitted if the profile signs with only one. Raises Invalid if the profile does not sign
    with it, and Conflict if the keys come from the environment.
    """
    key = signing.rotate(_one_of_the_profile(algorithm))
    target = Target("signing_key", key.kid[:36], key.algorithm)
    record(EventName.SIGNING_KEY_ROTATED, actor=caller.principal.actor, origin=caller.origin, target=target)
    return key


def _one_of_the_profile(wanted: Algorithm | None) -> Algorithm:
    used = profiles.active().signing_algorithms
    if wanted is None and len(used) == 1:
        return used[0]
    if wanted is None or wanted not in used:
        known = ", ".join(used) or "none"
        raise Invalid(
            "algorithm", Sentence("must be one that this profile signs with: %(known)s", known=known)
        )
    return wanted
