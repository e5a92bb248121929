"""Second factors that their owners have lost: removed by administrators and by operators."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import call_command

from accounts.models import SecondFactor
from accounts.second_factor.services import remove_second_factors
from audit.models import Event
from config.wire.errors import Conflict, Invalid, NotAllowed
from tests.accounts.authenticator import attempt, caller_at, enrolled
from tests.conftest import Cast, add_user
from tests.installation import Installation


def test_an_administrator_removes_the_second_factor_of_somebody_who_lost_their_phone(cast: Cast) -> None:
    enrolled(cast.alice)
    remove_second_factors(caller=caller_at(cast.ada, datetime.now(UTC)), selected=[cast.alice])
    assert attempt(cast.alice).status_code == 200
    event = Event.objects.filter(name="second_factor:removed").get()
    assert (event.actor_id, event.target_id) == (str(cast.ada.uuid), str(cast.alice.uuid))


def test_nobody_removes_the_second_factor_of_those_above_them_nor_their_own(cast: Cast) -> None:
    add_user("root", "admin", is_superuser=True)
    now = datetime.now(UTC)
    for user in (cast.ada, cast.bob):
        enrolled(user)
    with pytest.raises(NotAllowed):
        remove_second_factors(caller=caller_at(cast.alice, now), selected=[cast.bob])
    with pytest.raises(NotAllowed):
        remove_second_factors(caller=caller_at(cast.audrey, now), selected=[cast.ada])
    with pytest.raises(Invalid):
        remove_second_factors(caller=caller_at(cast.ada, now), selected=[cast.ada])
    with pytest.raises(Conflict):
        remove_second_factors(caller=caller_at(cast.ada, now), selected=[cast.alice])
    assert SecondFactor.objects.count() == 2


def test_an_operator_removes_a_second_factor_with_a_command(cast: Cast, capsys: Any) -> None:
    enrolled(cast.alice)
    call_command("removesecondfactor", "alice")
    assert capsys.readouterr().out == "alice no longer has a second factor.\n"
    assert not SecondFactor.objects.exists()
    assert Event.objects.latest("sequence").actor_kind == "operator"


@pytest.mark.once
def test_the_command_says_in_one_line_what_is_wrong(installation: Installation) -> None:
    done = installation.manage("removesecondfactor", "admin", "--json")
    assert (done.returncode, done.stderr) == (1, "CommandError: totp: this account has no second factor\n")
