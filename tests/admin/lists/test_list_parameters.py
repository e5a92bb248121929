"""Lists of the admin take the parameters of their declared filters, and nothing else reaches the database."""

import html
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlencode

import pytest
from django.apps import apps
from django.contrib.admin import ModelAdmin, site
from django.contrib.contenttypes.models import ContentType
from django.contrib.messages import get_messages
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from access.backoffice.changelist import DeclaredChangeList
from accounts.invitations.services import invite
from audit.events import EventName
from config.wire.quoting import shown
from tests.accounts.helpers import caller_as
from tests.admin.helpers import messages_of, page, text_of
from tests.conftest import Cast, assert_problem, make_cast, make_key
from tests.logins import browser
from tests.oauth.flow import Flow, make_client
from tests.snapshot import Snapshot

ADMINS = {f"{model._meta.app_label}_{model._meta.model_name}": each for model, each in site._registry.items()}
OWN = {"all", "o", "p", "q", "e", "_facets", "_popup", "_to_field"}  # Django's, not a filter's
LOOKUPS = [
    *("exact", "iexact", "contains", "icontains", "startswith", "istartswith", "endswith", "iendswith"),
    *("regex", "iregex", "range", "in", "gt", "gte", "lt", "lte", "isnull", "isempty", "search"),
    *("date", "year", "month", "day", "iso_year", "week", "week_day", "quarter", "time", "hour", "minute"),
    *("has_key", "has_keys", "contained_by", "trigram_similar", "unaccent"),
    *("overlap", "len", "0", "nope", ""),
]
ODD = [
    *("", "(", "(a+)+$", "\0", "x\0", "1", "-1", "True"),
    *("0", "9" * 400, "9223372036854775808", "1e999", "nan"),
    *("2026-02-30", "0001-01-01", "9999-12-31", "9999-12-31T23:59:59-14:00"),
    *("a,b", "{", "%", "\\", "'", '"', "\u202e", "x" * 5_000, "x " * 2_500, "1." * 500, "1.-1.1"),
]
once = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def make_rows() -> Cast:
    """The cast, and a row in every list."""
    cast = make_cast()
    make_key(cast.acme, "services:read", name="deploy")
    Flow(make_client(name="client"), cast.alice).tokens()
    invite(caller=caller_as(cast.ada), organization=cast.acme, email="new@example.net", role="developer")
    return cast


rows = Snapshot(make_rows)


@pytest.fixture
def cast(db: None) -> Cast:
    return rows.write()


@pytest.fixture
def ada(cast: Cast) -> Client:
    """The browser of an administrator."""
    return browser(cast.ada)


def address(name: str) -> str:
    return page(f"{name}_changelist")


def declared(admin: ModelAdmin[Any]) -> set[str]:
    """The parameters of the admin's filters, by what each says of itself on the page."""
    taken: set[str] = set()
    filters: Any = admin.list_filter
    for each in filters:
        if isinstance(each, str):
            taken |= {f"{each}__exact", f"{each}__isnull"}
        else:
            taken.add(each.parameter_name)
    return taken


def names(model: type[Model], depth: int = 2) -> Iterator[str]:
    """The model's fields, and the fields of its relations."""
    yield "pk"
    for field in model._meta.get_fields():
        yield field.name
        if depth and field.related_model:
            yield from (f"{field.name}__{name}" for name in names(field.related_model, depth - 1))


NAMES = {name: sorted(set(names(admin.model))) for name, admin in ADMINS.items()}
values = st.one_of(st.sampled_from(ODD), st.text(max_size=60))


@st.composite
def queries(draw: st.DrawFn, lists: list[str]) -> tuple[str, str, str]:
    """A list, a parameter that could be a lookup of its rows, and a value."""
    name = draw(st.sampled_from(lists))
    known = [*sorted(declared(ADMINS[name])), *sorted(OWN), *NAMES[name]]
    column = draw(st.one_of(st.sampled_from(known), st.text(min_size=1, max_size=30)))
    lookups = draw(st.lists(st.sampled_from(LOOKUPS), max_size=2))
    return name, "__".join([column, *lookups]), draw(values)


def reads(captured: CaptureQueriesContext) -> set[str]:
    """What was asked of the database, but for the browser's session, without values: times differ."""
    found = {re.sub(r"'[^']*'", "?", each["sql"]) for each in captured}
    return {sql for sql in found if sql.startswith("SELECT") and "django_session" not in sql}


def test_every_list_of_the_registry_takes_declared_parameters_only() -> None:
    assert ADMINS
    for name, admin in ADMINS.items():
        assert admin.get_changelist(None) is DeclaredChangeList, name  # type: ignore[arg-type]


@pytest.mark.hypothesis
@pytest.mark.slow
@pytest.mark.parametrize("who", ["ada", "audrey", "alice"])  # an administrator, an auditor, an owner
@pytest.mark.requirement(109)
def test_no_query_is_an_error_of_the_server_and_no_undeclared_lookup_reaches_the_database(
    cast: Cast, who: str
) -> None:
    client, bare = browser(getattr(cast, who)), {}
    for name in sorted(ADMINS):
        with CaptureQueriesContext(connection) as captured:
            if client.get(address(name)).status_code == 200:
                bare[name] = captured
    statements = {name: reads(captured) for name, captured in bare.items()}
    told: list[str] = []  # and not shown yet: to render a page for each of them takes long

    @once
    @given(queries(sorted(statements)))
    def check(query: tuple[str, str, str]) -> None:
        name, parameter, value = query
        with CaptureQueriesContext(connection) as captured:
            answer = client.get(address(name), {parameter: value})
        if answer.status_code == 302:
            assert answer.headers["Location"] == address(name), query
            *before, said = map(str, get_messages(answer.wsgi_request))
            assert before == told, query
            told.append(said)
        else:
            assert (answer.status_code, messages_of(answer)) == (200, told), query
            told.clear()
        if parameter in declared(ADMINS[name]) | OWN:
            return
        assert answer.status_code == 302, query
        assert said.startswith(f"{shown(parameter)}: "), query
        assert reads(captured) < statements[name], query

    check()
    assert messages_of(client.get(address(min(statements)))) == told


@pytest.mark.parametrize(
    ("name", "parameter", "value"),
    [
        ("audit_event", "name__regex", "("),
        ("audit_event", "name__iregex", "(a+)+$"),
        ("audit_event", "name__range", "a"),
        ("audit_event", "name__in", "login:failed"),
        ("audit_event", "name", "login:failed"),
        ("audit_event", "actor_label__regex", "(a|a)*$"),
        ("accounts_user", "is_active__gte", "0"),
        ("accounts_user", "is_active__exact__exact", "1"),
        ("accounts_user", "sessions__refresh_digest__startswith", "a"),
        ("accounts_organization", "members__password__regex", "^argon2"),
        ("apikeys_apikey", "made__gte", "2026-01-01"),
        ("apikeys_apikey", "organization__name__regex", "("),
    ],
)
@pytest.mark.requirement(109)
def test_a_lookup_is_refused_by_name(ada: Client, name: str, parameter: str, value: str) -> None:
    answer = ada.get(address(name), {parameter: value}, follow=True)
    assert answer.redirect_chain == [(address(name), 302)]
    assert messages_of(answer) == [f"{parameter}: is not a filter of this list; choose one on the page"]
    assert_problem(ada.get(address(name), {parameter: value}, headers={"Accept": "*/*"}), 400, "invalid")


@pytest.mark.parametrize(
    ("name", "query", "said"),
    [
        ("audit_event", {"kind": "perhaps"}, "kind: must be one of refusals, logins, changes"),
        ("audit_event", {"date": "2026-02-30"}, "date: must be a year, a month or a day"),
        ("accounts_user", {"is_active__exact": "perhaps"}, "is_active__exact: has a value"),
        ("accounts_user", {"role": "x\0"}, "role: contains a NUL character"),
        ("accounts_user", {"is_active__exact": ["1"] * 900}, "is_active__exact: is repeated"),
        ("accounts_user", {"q": "a " * 4_000}, "q: must be at most 10 words"),
        ("accounts_user", {"q": "x" * 5_000}, "q: must be at most 10 words"),
        ("accounts_user", {"p": "perhaps"}, "p: must be the number of a page"),
        ("accounts_user", {"p": "9" * 20}, "p: must be the number of a page"),
        ("accounts_user", {"o": ".".join(["1"] * 3_000)}, "o: must be numbers of sortable columns"),
        ("accounts_user", {"o": "99"}, "o: must be numbers"),
        ("apikeys_apikey", {"o": "3"}, "o: must be numbers"),
        ("audit_event", {"o": "4"}, "o: must be numbers"),
        ("accounts_user", {"_to_field": "password"}, "_to_field: is not a field"),
    ],
)
@pytest.mark.requirement(109)
def test_a_wrong_value_is_said(ada: Client, name: str, query: dict[str, Any], said: str) -> None:
    answer = ada.get(address(name), query, follow=True)
    assert answer.redirect_chain == [(address(name), 302)]
    assert len(messages_of(answer)) == 1 and messages_of(answer)[0].startswith(said)


def test_a_page_that_is_not_there_is_said(ada: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ADMINS["accounts_user"], "list_per_page", 2)
    assert ada.get(address("accounts_user"), {"p": "2"}).status_code == 200
    answer = ada.get(address("accounts_user"), {"p": "5"}, follow=True)
    assert messages_of(answer) == ["p: is beyond the last page of this list"]


def test_an_action_on_a_list_that_is_filtered_wrongly_does_nothing(ada: Client, cast: Cast) -> None:
    wrong = f"{address('accounts_user')}?{urlencode({'username__regex': '('})}"
    sent = {"action": "deactivate", "_selected_action": [cast.bob.pk], "confirmed": "True"}
    answer = ada.post(wrong, sent, follow=True)
    assert answer.redirect_chain == [(address("accounts_user"), 302)]
    cast.bob.refresh_from_db()
    assert cast.bob.is_active


def test_every_link_that_a_list_shows_leads_somewhere(ada: Client) -> None:
    pages = [
        *map(address, ADMINS),
        *(f"{address(name)}?_popup=1&_to_field=id" for name in ("accounts_user",)),
    ]
    found = set()
    for start in [*pages, "/admin/"]:
        links = {
            html.unescape(each) for each in re.findall(r'href="([^"]*\?[^"]*)"', text_of(ada.get(start)))
        }
        found |= {link if link.startswith("/") else start.partition("?")[0] + link for link in links}
    shown_links = {link for link in found if link.startswith("/admin/")}
    assert len(shown_links) > 50
    # The list of events has a link for each kind of event, which differ in the value alone.
    kinds = {link: unquote(link.partition("=")[2]) for link in shown_links if "?name__exact=" in link}
    assert set(kinds.values()) == set(EventName)
    refused = {link: ada.get(link).status_code for link in shown_links - kinds.keys() | {min(kinds)}}
    assert not {link: status for link, status in refused.items() if status != 200}


def test_filters_are_kept_through_a_form(ada: Client, cast: Cast) -> None:
    form = page("accounts_user_delete", cast.mallory.pk)
    for odd in ("name__regex=(", "\0", "=" * 5_000, "%00&%ff", "a=1&a=2"):
        assert ada.get(form, {"_changelist_filters": odd}).status_code == 200
    kept = urlencode({"_changelist_filters": "is_active__exact=1&o=1"})
    done = ada.post(f"{form}?{kept}", {"post": "yes"})
    assert done.headers["Location"] == f"{address('accounts_user')}?is_active__exact=1&o=1"


def test_what_a_form_is_opened_with_is_never_an_error_of_the_server(ada: Client) -> None:
    for name in ADMINS:
        for odd in ("\0", "(", "-1", "9" * 30, "x" * 900):
            sent = dict.fromkeys((*(field for field in NAMES[name] if "__" not in field), *OWN), odd)
            assert ada.get(page(f"{name}_add"), sent).status_code in (200, 400, 403), (name, odd)


def relations() -> list[tuple[str, str, str]]:
    """Every field of every model, as the widget that completes names would ask for it."""
    fields = ((model, field) for model in apps.get_models() for field in model._meta.get_fields())
    return sorted(
        (model._meta.app_label, model._meta.model_name or "", field.name) for model, field in fields
    )


@pytest.mark.requirement(109)
def test_completing_names_is_never_an_error_of_the_server(ada: Client) -> None:
    for app, model, field in relations():
        query = {"app_label": app, "model_name": model, "field_name": field, "term": "a"}
        answer = ada.get("/admin/autocomplete/", query, headers={"Accept": "application/json"})
        assert answer.status_code in (200, 403, 404), (app, model, field)
    good = {"app_label": "accounts", "model_name": "membership", "field_name": "user"}
    for odd in ODD:
        for name in ("term", "page", "app_label", "model_name", "field_name"):
            answer = ada.get(
                "/admin/autocomplete/", good | {name: odd}, headers={"Accept": "application/json"}
            )
            assert answer.status_code in (200, 400, 403, 404), (name, odd)
    long = ada.get("/admin/autocomplete/", good | {"term": "x " * 50}, headers={"Accept": "application/json"})
    assert assert_problem(long, 400, "invalid")["detail"].startswith("term: must be at most 10 words")


def test_no_row_is_named_by_its_type_and_number(ada: Client, cast: Cast) -> None:
    """Django would redirect to the page of any row, and say which rows there are."""
    kind = ContentType.objects.get_for_model(Session).pk
    for number in ("x", "%00", ada.session.session_key):
        assert ada.get(f"/admin/r/{kind}/{number}/").status_code == 404
    assert "view_on_site" not in {getattr(url, "name", "") for url in site.get_urls()}
