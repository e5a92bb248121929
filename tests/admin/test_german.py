"""The admin in German. What programs read stays English."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from apikeys.services.api_keys import NewKey
from audit.models import Event
from tests.admin.helpers import act, confirm, errors_of, messages_of, page, text_of
from tests.admin.keys.test_new import ADD, fill_in
from tests.conftest import Cast, as_user, assert_problem
from tests.logins import browser


@pytest.fixture
def anna(cast: Cast) -> Client:
    """The browser of an administrator who has chosen German."""
    User.objects.filter(pk=cast.ada.pk).update(language="de")
    return browser(cast.ada)


def test_pages_and_lists_are_german(anna: Client, key: NewKey) -> None:
    front = text_of(anna.get("/admin/"))
    for words in ("Was Aufmerksamkeit braucht", "API-Schlüssel", "Abmelden", "Gültige Schlüssel nach Alter"):
        assert words in front
    keys = text_of(anna.get(page("apikeys_apikey_changelist")))
    for words in (
        '<span class="status active">aktiv</span>',
        "Ausgewählte Schlüssel widerrufen",
        "1 API-Schlüssel",
    ):
        assert words in keys
    assert "Gruppen" not in front


@pytest.mark.parametrize("path", ["/account/login", "/admin/login/"])
@pytest.mark.django_db
def test_the_form_of_the_login_is_german(path: str) -> None:
    form = text_of(Client(headers={"Accept": "text/html", "Accept-Language": "de"}).get(path))
    assert [
        label for label in ("Benutzername oder E-Mail-Adresse", "Passwort") if f">{label}<" not in form
    ] == []


def test_scripts_get_german_words(anna: Client) -> None:
    words = anna.get(reverse("admin:jsi18n"))
    assert words.headers["Content-Type"].startswith("text/javascript")
    assert '"Today": "Heute"' in text_of(words)


def test_moments_and_numbers_are_spelled_as_in_german(anna: Client, key: NewKey) -> None:
    address = page("apikeys_apikey_change", key.row.pk)
    type(key.row).objects.update(use_count=12_345, last_used_at=key.row.created_at)
    shown = text_of(anna.get(address))
    assert f"{key.row.created_at.day}. " in shown and "insgesamt 12.345 Mal" in shown


def test_an_action_asks_and_answers_in_german(anna: Client, key: NewKey) -> None:
    asked = text_of(act(anna, "apikeys_apikey", "disable", key.row))
    assert "Diese Schlüssel gelten nirgends mehr, bis jemand sie entsperrt:" in asked
    assert messages_of(confirm(anna, "apikeys_apikey", "disable", key.row)) == ["1 Schlüssel gesperrt."]


def test_errors_of_services_are_german_beside_the_field_and_english_in_the_api(
    anna: Client, cast: Cast
) -> None:
    sent = fill_in(anna, cast.bob, allowed_networks="nonsense", expires_at="2020-01-01T00:00")
    errors = errors_of(anna.post(page(ADD), sent))
    assert errors["allowed_networks"].startswith("'nonsense' ist kein Netz: ")
    sent = fill_in(anna, cast.bob, name="CI", expires_at="2020-01-01T00:00")
    assert errors_of(anna.post(page(ADD), sent)) == {"expires_at": "muss in der Zukunft liegen"}
    body = {"name": "CI", "expires_at": "2020-01-01T00:00:00Z"}
    answer = as_user(cast.ada).post("api-keys", body, headers={"Accept-Language": "de"})
    assert_problem(answer, 400, "invalid", "expires_at")
    assert "must be in the future" in answer.json()["detail"]


def test_passwords_are_refused_in_german(anna: Client, cast: Cast) -> None:
    sent = {"username": "dora", "email": "dora@example.org", "role": "member", "password": "short"}
    assert "mindestens 15 Zeichen" in errors_of(anna.post(page("accounts_user_add"), sent))["password"]


def test_the_audit_log_and_its_export_stay_english(anna: Client, cast: Cast, key: NewKey) -> None:
    confirm(anna, "apikeys_apikey", "disable", key.row)
    event = Event.objects.latest("sequence")
    assert (event.name, event.detail) == ("api_key:disabled", event.detail)
    exported = b"".join(act(anna, "apikeys_apikey", "export", key.row).streaming_content).decode()
    assert exported.startswith("\ufeffid,name,key_prefix,owner") and ",disabled," in exported


def test_pages_without_a_login_have_the_language_of_the_browser(db: None) -> None:
    german = Client(headers={"Accept": "text/html", "Accept-Language": "de"})
    assert "Neues Passwort" in text_of(german.get("/reset-password", {"token": "x"}))
    wrong = german.post("/account/login", {"identifier": "nobody", "password": "wrong"})
    assert "Der Name, das Passwort oder der Code ist falsch." in text_of(wrong)
    assert "Diese Seite gibt es nicht" in text_of(german.get("/account/nothing"))
