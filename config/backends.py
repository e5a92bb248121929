"""The cache and the mail server, from their URLs. No message repeats a URL: passwords are in them."""

from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email
from environ import Env
from redis import Redis

from config.env import ConfigurationError

CACHES = ("locmemcache://", "redis://", "rediss://")


def cache_config(url: str) -> dict[str, Any]:
    """Return Django's settings for the cache at `url`. Raises ConfigurationError."""
    try:
        if url.startswith(CACHES):  # of others nothing here makes use
            return dict(Env.cache_url_config(url))  # type: ignore[no-untyped-call]
    except (ImproperlyConfigured, KeyError, ValueError):
        pass
    raise ConfigurationError("CACHE_URL: is not locmemcache:// or redis://USER:PASSWORD@HOST:PORT/NUMBER")


def valkey_url(url: str) -> str:
    """Return `url` if it is that of a Valkey or Redis, else "". Raises ConfigurationError."""
    if url.startswith("valkey"):
        raise ConfigurationError("CACHE_URL: write redis:// for Valkey, or rediss:// if it speaks TLS")
    if not url.startswith(("redis://", "rediss://")):
        return ""
    try:
        Redis.from_url(url).close()  # connects to nothing yet
    except (ValueError, TypeError):
        raise ConfigurationError("CACHE_URL: is not redis://USER:PASSWORD@HOST:PORT/NUMBER") from None
    return url


def email_config(url: str) -> dict[str, Any]:
    """Return Django's settings for the mail server at `url`. Raises ConfigurationError."""
    try:
        config: dict[str, Any] = dict(Env.email_url_config(url))  # type: ignore[no-untyped-call]
    except (ImproperlyConfigured, KeyError, ValueError):
        raise ConfigurationError(
            "EMAIL_URL: is not consolemail://, filemail:///FOLDER or smtp+tls://USER:PASSWORD@HOST:PORT "
            "(in a password, write / as %2F)"
        ) from None
    if config["EMAIL_FILE_PATH"]:
        config["EMAIL_FILE_PATH"] = unquote(urlsplit(url).path)  # django-environ drops the first slash
    return config


def mail_sender(text: str, host: str) -> str:
    """Return `text`, the address that mails come from, else keyhouse@ mail_host(host).

    Raises ConfigurationError.
    """
    sender = text or f"keyhouse@{mail_host(host)}"
    if not is_email(sender):
        raise ConfigurationError(f"KEYHOUSE_MAIL_FROM: {text!a} is not an e-mail address")
    return sender


def mail_host(host: str) -> str:
    """Return `host` if it can stand behind the @ of an address, else localhost: IP addresses cannot."""
    return host if is_email(f"keyhouse@{host}") and not host.startswith("[") else "localhost"


def is_email(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True
