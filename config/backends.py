"""Reads the URLs of the cache and the mail server. No message repeats a URL, since it holds a password."""

from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email
from environ import Env

from config.env import ConfigurationError
from config.hosts import ascii_domain, is_address

SMTP = frozenset({"smtp", "smtps", "smtp+tls", "smtp+ssl"})
EMAIL_FORMS = (
    "consolemail://, filemail:///FOLDER, dummymail:// or smtp+tls://USER:PASSWORD@HOST:PORT "
    "(smtps:// for TLS from the first byte, smtp:// for no TLS) without options; "
    "in a password, write / as %2F, ? as %3F and # as %23"
)
CACHES = ("locmemcache://", "redis://", "rediss://")


def cache_config(url: str) -> dict[str, Any]:
    """Return Django's settings for the cache at `url`. Raises ConfigurationError."""
    try:
        if url.startswith(CACHES):  # Keyhouse supports no others
            return dict(Env.cache_url_config(url))  # type: ignore[no-untyped-call]
    except (ImproperlyConfigured, KeyError, ValueError):
        pass
    raise ConfigurationError("CACHE_URL: must be locmemcache:// or redis://USER:PASSWORD@HOST:PORT/NUMBER")


def valkey_url(url: str) -> str:
    """Return `url` if it names a Valkey or Redis, else "". Raises ConfigurationError."""
    if url.startswith("valkey"):
        raise ConfigurationError("CACHE_URL: write redis:// for Valkey, or rediss:// for Valkey with TLS")
    if not url.startswith(("redis://", "rediss://")):
        return ""
    from redis import Redis

    try:
        has_host = bool(urlsplit(url).hostname)  # else the libraries would use different places
        Redis.from_url(url).close()  # connects to nothing yet
    except (ValueError, TypeError):
        has_host = False
    if not has_host:
        raise ConfigurationError("CACHE_URL: must be redis://USER:PASSWORD@HOST:PORT/NUMBER")
    return url


def email_config(url: str) -> dict[str, Any]:
    """Return Django's settings for the mail server at `url`. Raises ConfigurationError."""
    try:
        parts = urlsplit(url)
        _check_email_url(parts)
        config: dict[str, Any] = dict(Env.email_url_config(url))  # type: ignore[no-untyped-call]
        if parts.scheme in SMTP:
            config["EMAIL_HOST"] = ascii_domain(config["EMAIL_HOST"])
    except (ImproperlyConfigured, KeyError, ValueError):
        raise ConfigurationError(f"EMAIL_URL: must be {EMAIL_FORMS}") from None
    if parts.scheme == "smtps":  # RFC 8314 section 3.3; django-environ would use STARTTLS
        config |= {"EMAIL_USE_SSL": True, "EMAIL_USE_TLS": False}
    if parts.scheme == "filemail":
        config["EMAIL_FILE_PATH"] = unquote(parts.path)  # django-environ drops the first slash
    return config


def _check_email_url(parts: SplitResult) -> None:
    """Raise ValueError for URLs that django-environ accepts, but that would lose or misdirect mails."""
    is_smtp, is_file = parts.scheme in SMTP, parts.scheme == "filemail"
    if parts.query or parts.fragment or parts.scheme == "memorymail":
        raise ValueError
    if is_smtp and (not parts.hostname or parts.path.strip("/")):
        raise ValueError
    if is_file and (parts.netloc or not parts.path.strip("/")):
        raise ValueError


def mail_sender(text: str, host: str) -> str:
    """Return the sender of mails: `text`, or else keyhouse@ mail_host(host). Raises ConfigurationError."""
    if text and not is_email(text):
        raise ConfigurationError(f"KEYHOUSE_MAIL_FROM: {text!a} must be an e-mail address")
    return text or f"keyhouse@{mail_host(host)}"


def mail_host(host: str) -> str:
    """Return `host` if it can follow the @ of an e-mail address, else localhost. IP addresses cannot."""
    return "localhost" if is_address(host) or not is_email(f"keyhouse@{host}") else host


def is_email(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True
