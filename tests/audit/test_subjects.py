"""The subjects of an event: its target, and other rows that it is about."""

from django.db import connection
from django.test.utils import CaptureQueriesContext

from access.principals import Caller
from accounts.models import Session
from accounts.organizations.services import add_member, change_member_role, remove_member
from accounts.sessions.services import end_selected_sessions
from apikeys.models import ApiKey
from apikeys.services.revocation import revoke_api_keys
from audit.models import Event
from tests.conftest import Cast, log_in, make_key
from tests.oauth.flow import Flow, make_client


def newest_subjects(name: str) -> set[str]:
    """Return the subjects of the newest event with this name."""
    return set(Event.objects.filter(name=name)[0].subjects)


def test_an_event_about_a_member_names_the_organization_and_the_person(cast: Cast, operator: Caller) -> None:
    both = {f"organization:{cast.acme.uuid}", f"user:{cast.mallory.uuid}"}
    row = add_member(caller=operator, organization=cast.acme, user=cast.mallory, role="developer")
    change_member_role(caller=operator, membership=row, role="owner")
    remove_member(caller=operator, membership=row)
    for name in ("member:added", "role:changed", "member:removed"):
        assert newest_subjects(name) == both


def test_an_event_about_a_key_names_its_owner(cast: Cast, operator: Caller) -> None:
    for owner, kind in ((cast.acme, "organization"), (cast.bob, "user")):
        key = make_key(owner, "services:read")
        subjects = {f"api_key:{key.row.uuid}", f"{kind}:{owner.uuid}"}
        assert newest_subjects("api_key:created") == subjects
        revoke_api_keys(caller=operator, selected=ApiKey.objects.filter(pk=key.row.pk))
        assert newest_subjects("api_key:revoked") == subjects


def test_an_event_about_a_session_names_the_person(cast: Cast, operator: Caller) -> None:
    log_in(cast.bob)
    session = Session.objects.get(user=cast.bob)
    end_selected_sessions(caller=operator, selected=[session])
    assert newest_subjects("session:ended") == {f"session:{session.uuid}", f"user:{cast.bob.uuid}"}


def test_an_event_about_a_consent_names_the_person_and_the_client(cast: Cast) -> None:
    client = make_client("services:read")
    Flow(client, cast.bob).tokens()
    [consent] = cast.bob.consents.all()
    who = {f"user:{cast.bob.uuid}", f"oauth_client:{client.row.uuid}"}
    assert newest_subjects("consent:given") == {f"consent:{consent.uuid}", *who}
    assert newest_subjects("oauth_token:issued") == {f"consent:{consent.uuid}", *who}


def test_an_event_about_a_client_names_its_owner(cast: Cast) -> None:
    client = make_client("services:read", owner=cast.acme)
    subjects = {f"oauth_client:{client.row.uuid}", f"organization:{cast.acme.uuid}"}
    assert newest_subjects("oauth_client:created") == subjects


def test_an_event_about_one_person_names_that_person(cast: Cast) -> None:
    log_in(cast.bob)
    assert newest_subjects("login:succeeded") == {f"user:{cast.bob.uuid}"}


def test_the_owners_of_many_keys_are_read_together(cast: Cast, operator: Caller) -> None:
    def queries(count: int) -> int:
        rows = [make_key(cast.bob, "services:read").row.pk for _ in range(count)]
        with CaptureQueriesContext(connection) as captured:
            revoke_api_keys(caller=operator, selected=ApiKey.objects.filter(pk__in=rows))
        return len(captured)

    assert queries(2) == queries(12)
