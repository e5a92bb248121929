"""Use case of the keys that tokens are signed with: make another one."""

from access.principals import Caller
from accounts.signing import keys as signing
from audit.actors import Target
from audit.events import EventName
from audit.log import record
from config import profiles
from config.secrets.key_pairs import Algorithm, KeyPair
from config.wire.errors import Invalid


def rotate_signing_key(*, caller: Caller, algorithm: Algorithm | None = None) -> KeyPair:
    """Make a key that signs from now on; recorded. `algorithm` can be left out where there is one alone.

    Raises Invalid, also for what the profile signs nothing with, or Conflict where keys come from the
    environment.
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
        raise Invalid("algorithm", f"say which; this profile signs with {', '.join(used) or 'none'}")
    return wanted
