"""People, their keys and their logins: one of each made by the services, the others like it."""

from datetime import UTC, datetime, timedelta
from hashlib import md5
from uuid import UUID

from access.callers import caller_at_command_line
from accounts.models import Membership, Organization, Session, User
from accounts.organizations.services import create_organization
from accounts.sessions import tokens
from accounts.sessions.services import log_in
from accounts.users.services import create_user
from apikeys.at_rest import digests as peppers
from apikeys.at_rest import key_text
from apikeys.models import ApiKey
from apikeys.services.api_keys import create_api_key
from audit.actors import Origin
from bench import select
from bench.rows import FIRST, by_place, multiply, places
from config import profiles

PASSWORD = "a harbour full of small boats"
PEOPLE_PER_ORGANIZATION = 100


def fill(rows: int, used: int) -> dict[str, list[str]]:
    """Make `rows` people with a key and a login each; return the credentials of `used` of them, by kind."""
    where = places(rows, used)
    form = profiles.active().keys.environments[profiles.active().keys.default_environment]
    texts = [key_text.mint(form) for _ in where]
    digests = [peppers.current_digest(text).digest.hex() for text in texts]
    _multiply(rows, by_place(where, digests))
    select.fill(rows, where, texts)
    return {
        "key": texts,
        "select": texts,
        "login": [_access_token(place) for place in where],
        "malformed": [text[:-1] + ("0" if text[-1] != "0" else "1") for text in texts],
        "unknown": [key_text.mint(form) for _ in where],
    }


def first_of_each() -> tuple[Organization, User, ApiKey]:
    """Make an organization, a person in it, and a key of theirs, as the application does."""
    caller = caller_at_command_line()
    organization = create_organization(caller=caller, name="Bench")
    person = create_user(
        caller=caller,
        username="bench",
        email="bench@example.org",
        name="Bench",
        role="member",
        password=PASSWORD,
        memberships=[(organization, "developer")],
    )
    key = create_api_key(caller=caller, name="bench", owner=person, granted=["services:read"]).row
    return organization, person, key


def _multiply(rows: int, digests: dict[int, str]) -> None:
    organization, person, key = first_of_each()
    log_in(identifier="bench", password=PASSWORD, origin=Origin.here())
    new = {"id": "number", "uuid": "gen_random_uuid()"}
    organizations = rows // PEOPLE_PER_ORGANIZATION + 1
    multiply(organization, organizations, {**new, "name_key": "text"})
    name = "'bench' || g"
    email = "'bench' || g || '@example.org'"
    names = {"username": name, "username_key": name, "email": email, "email_key": email}
    multiply(person, rows, {**new, **names, "uuid": "md5('person' || g)::uuid"})
    of_person = {"user_id": "number"}
    in_one = {"organization_id": f"mod(g, {organizations}) + {FIRST}"}
    multiply(Membership.objects.get(user=person), rows, {"id": "number", **of_person, **in_one})
    session = Session.objects.get(user=person)
    multiply(session, rows, {**new, **of_person, "uuid": "md5('session' || g)::uuid"})
    multiply(key, rows, {**new, **of_person, "digest": "decode(text, 'hex')"}, texts=digests)


def _access_token(place: int) -> str:
    now = datetime.now(UTC)
    session = Session(uuid=_uuid("session", place), last_seen_at=now, expires_at=now + timedelta(days=30))
    subject = str(_uuid("person", place))
    pair = tokens.issue(session, subject=subject, refresh_id=tokens.new_refresh_id(), now=now)
    return pair.access_token


def _uuid(what: str, place: int) -> UUID:
    """The same as PostgreSQL's md5(…)::uuid."""
    return UUID(md5(f"{what}{place}".encode(), usedforsecurity=False).hexdigest())
