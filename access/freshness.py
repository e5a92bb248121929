"""What a login may do only for a while after its person has proved who they are."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from access.principals import Caller, Credential
from config import profiles
from config.profiles import Capability
from config.wire.errors import FreshProofRequired, NotAllowed

MAKES_KEYS = frozenset({Capability.MANAGE_OWN_KEYS, Capability.MANAGE_KEYS})


def check_fresh(caller: Caller) -> None:
    """Raise FreshProofRequired if the profile wants a newer proof of the caller's login (ASVS 7.5.1).

    Raises NotAllowed for a confined login: a key that it made would outlast it, and could do more.

    Programs and the operator have no login, so they are never asked: what a program may do is limited by its
    own key or token.
    """
    credential = caller.principal.credential
    check_not_confined(credential)
    if credential.kind == "jwt":
        _check_proof(credential.proven_at, caller.origin.at)


def check_not_confined(credential: Credential) -> None:
    """Raise NotAllowed if the person may do more than this login."""
    if credential.is_confined:
        raise NotAllowed(
            "This login counts only in some of your organizations, and what you make here would count in "
            "all of them. Log in with your own password or passkey. If one of your organizations requires "
            "its identity provider, ask its managers to except you."
        )


def check_fresh_for(scopes: Iterable[str], *, proven_at: datetime, now: datetime) -> None:
    """Raise FreshProofRequired if a client with these scopes could make keys and the login is too old.

    `proven_at` is when the person who consents last proved who they are.
    """
    if profiles.active().power_of_scopes(frozenset(scopes)).capabilities & MAKES_KEYS:
        _check_proof(proven_at, now)


def _check_proof(proven_at: datetime | None, now: datetime) -> None:
    most = profiles.active().login.fresh_seconds
    if most is not None and (proven_at is None or now - proven_at > timedelta(seconds=most)):
        raise FreshProofRequired(most)
