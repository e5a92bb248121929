"""Users, and what each peer keeps of them: one row made by the peer itself, the others like it."""

from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.crypto import get_random_string
from knox.models import AuthToken
from oauth2_provider.models import AccessToken, Application
from rest_framework.authtoken.models import Token
from rest_framework_api_key.models import APIKey
from rest_framework_simplejwt.tokens import AccessToken as Jwt

from bench import select
from bench.rows import FIRST, by_place, multiply, places

SHA512 = "encode(sha512(convert_to(text, 'UTF8')), 'hex')"
SHA256 = "encode(sha256(convert_to(text, 'UTF8')), 'hex')"
NEW = {"id": "number"}
OF_USER = {"user_id": "number"}


def fill(rows: int, used: int) -> dict[str, list[str]]:
    """Make `rows` users with one credential of each kind; return those of `used` of them."""
    where = places(rows, used)
    user = User.objects.create_user("bench", "bench@example.org")
    multiply(user, rows, {**NEW, "username": "'bench' || g"})
    tokens = [get_random_string(40) for _ in where]
    api_keys = [f"{get_random_string(8)}.{get_random_string(32)}" for _ in where]
    select.fill(rows, where, tokens)
    _tokens(rows, user, by_place(where, tokens))
    _api_keys(rows, by_place(where, api_keys))
    jwts = [str(Jwt.for_user(User(pk=FIRST - 1 + place))) for place in where]
    same = dict.fromkeys(("select", "token", "knox", "oauth"), tokens)
    return {**same, "api-key": api_keys, "simplejwt": jwts}


def only_select(rows: int, used: int) -> dict[str, list[str]]:
    """Make `rows` rows for the raw SELECT alone; return the tokens of `used` of them."""
    where = places(rows, used)
    tokens = [get_random_string(40) for _ in where]
    select.fill(rows, where, tokens)
    return {"select": tokens}


def _tokens(rows: int, user: User, texts: dict[int, str]) -> None:
    forty = "left(md5('first' || g) || md5('second' || g), 40)"
    token = Token.objects.create(user=user)
    multiply(token, rows, {**OF_USER, "key": "text"}, texts=texts, else_text=forty)
    knox, _ = AuthToken.objects.create(user, expiry=timedelta(days=1))
    multiply(knox, rows, {**OF_USER, "digest": SHA512, "token_key": "left(text, 15)"}, texts=texts)
    oauth = AccessToken.objects.create(
        user=user,  # type: ignore[misc]  # to mypy, there is but Keyhouse's own project
        application=Application.objects.create(name="bench"),
        token="bench",  # noqa: S106
        scope="read",
        expires=timezone.now() + timedelta(days=1),
    )
    multiply(oauth, rows, {**NEW, **OF_USER, "token": "text", "token_checksum": SHA256}, texts=texts)


def _api_keys(rows: int, texts: dict[int, str]) -> None:
    key, _ = APIKey.objects.create_key(name="bench")
    prefix, hashed = "split_part(text, '.', 1)", f"'sha512$$' || {SHA512}"
    columns = {"id": f"{prefix} || '.' || {hashed}", "prefix": prefix, "hashed_key": hashed}
    multiply(key, rows, columns, texts=texts, else_text="lpad(to_hex(g), 8, '0') || '.' || md5('x' || g)")
