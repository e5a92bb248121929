"""Who may remove the second factors of other people."""

from collections.abc import Set

from access.freshness import check_fresh
from access.principals import Caller
from accounts.models import User
from accounts.users import authority
from config.wire.errors import Invalid, NotFound


def check_may_help(caller: Caller, numbers: Set[int]) -> None:
    """Check that the caller may remove second factors of the people with these primary keys.

    Raises NotAllowed, FreshProofRequired, or Invalid if the caller is one of them.
    """
    authority.check_may_manage_users(caller)
    authority.check_is_person(caller, "Programs cannot remove a second factor: log in to do it.")
    check_fresh(caller)
    if caller.principal.user_id in numbers:
        raise Invalid(
            "user", "you cannot remove your own second factor here; use the Security page of your account"
        )


def lock_people(caller: Caller, numbers: Set[int]) -> list[User]:
    """Lock these people until the transaction ends.

    Raises NotFound, or NotAllowed if a person may do more than the caller.
    """
    rows = list(User.objects.select_for_update().filter(pk__in=numbers).order_by("pk"))
    if len(rows) != len(numbers):
        raise NotFound("One of these people no longer exists.")
    for row in rows:
        authority.check_not_above(caller, row)
    return rows
