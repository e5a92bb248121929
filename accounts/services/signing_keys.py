"""Use case of the keys that tokens are signed with: make another one."""

from accounts import signing
from accounts.principals import Caller
from audit.actors import Target
from audit.events import EventName
from audit.log import record
from config import profiles
from config.errors import Invalid
from config.keypairs import Algorithm, KeyPair


def rotate_signing_key(*, caller: Caller, algorithm: Algorithm | None = None) -> KeyPair:
    """Make a key that signs from now on; recorded. `algorithm` can be left out where there is one alone.

    Raises Invalid, or Conflict where keys come from the environment.
    """
    key = signing.rotate(algorithm or _only_algorithm())
    target = Target("signing_key", key.kid[:36], key.algorithm)
    record(EventName.SIGNING_KEY_ROTATED, actor=caller.principal.actor, origin=caller.origin, target=target)
    return key


def _only_algorithm() -> Algorithm:
    used = profiles.active().signing_algorithms
    if len(used) != 1:
        raise Invalid("algorithm", f"say which; this profile signs with {', '.join(used) or 'none'}")
    return used[0]
