"""Use case of the keys that ID tokens are signed with: make another one."""

from accounts.oauth import signing
from accounts.oauth.signing import SigningKey
from accounts.principals import Caller
from audit.actors import Target
from audit.events import EventName
from audit.log import record
from config import profiles


def rotate_signing_key(*, caller: Caller, algorithm: str | None = None) -> SigningKey:
    """Make a key that signs from now on, of the profile's algorithm if none is given; recorded."""
    policy = profiles.active().oauth2
    key = signing.rotate(algorithm or (policy.id_token_algorithm if policy else "RS256"))
    target = Target("signing_key", key.kid[:36], key.algorithm)
    record(EventName.SIGNING_KEY_ROTATED, actor=caller.principal.actor, origin=caller.origin, target=target)
    return key
