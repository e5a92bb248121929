"""Django's settings. config.variables lists the environment variables, config.env reads them."""

import hashlib
import hmac
import sys
from urllib.parse import urlsplit

import django_stubs_ext

from config import env, hosts, program
from config.backends import cache_config, email_config, mail_sender, valkey_url
from config.database.settings import database_config
from config.limits import limits
from config.secrets import key_pairs, netbox, storage
from config.wire.http.client_ip import check_networks

django_stubs_ext.monkeypatch()  # lets Django's generic classes take their type arguments at run time

BASE_DIR = program.FOLDER

# Keyhouse

KEYHOUSE_PROFILE = env.text("KEYHOUSE_PROFILE")
DATA_DIR = storage.open_data_dir(storage.place_of_data(env.text("KEYHOUSE_DATA_DIR")))
BIND = env.address("KEYHOUSE_BIND")
PUBLIC_URL = env.public_url("KEYHOUSE_PUBLIC_URL", BIND)
TRUSTED_PROXIES = check_networks("KEYHOUSE_TRUSTED_PROXIES", env.items("KEYHOUSE_TRUSTED_PROXIES"))
METRICS_NETWORKS = check_networks("KEYHOUSE_METRICS_NETWORKS", env.items("KEYHOUSE_METRICS_NETWORKS"))
WEBHOOK_NETWORKS = check_networks("KEYHOUSE_WEBHOOK_NETWORKS", env.items("KEYHOUSE_WEBHOOK_NETWORKS"))
LIMITS = limits(env.items("KEYHOUSE_LIMITS"))
PEPPERS = storage.peppers(env.text("KEYHOUSE_PEPPERS"), DATA_DIR)
CURRENT_PEPPER = storage.chosen("KEYHOUSE_CURRENT_PEPPER", env.text("KEYHOUSE_CURRENT_PEPPER"), PEPPERS)
NETBOX_PEPPERS = netbox.peppers("KEYHOUSE_NETBOX_PEPPERS", env.text("KEYHOUSE_NETBOX_PEPPERS"))
EPOCH_LEASE_SECONDS = env.number("KEYHOUSE_LEASE_MS", most=10_000) / 1000
ADMIN_SECOND_FACTOR = env.flag("KEYHOUSE_ADMIN_SECOND_FACTOR")
SEED_KEYS = storage.seed_keys(env.text("KEYHOUSE_SEED_KEYS"), DATA_DIR)
CURRENT_SEED_KEY = storage.chosen(
    "KEYHOUSE_CURRENT_SEED_KEY", env.text("KEYHOUSE_CURRENT_SEED_KEY"), SEED_KEYS
)
SIGNING_KEYS = key_pairs.parse("KEYHOUSE_SIGNING_KEYS", env.text("KEYHOUSE_SIGNING_KEYS"))
LOG_FORMAT = env.choice("KEYHOUSE_LOG_FORMAT", "text", "json")
ACCESS_LOG = env.flag("KEYHOUSE_ACCESS_LOG")
SENTRY_DSN = env.text("SENTRY_DSN")
PROVIDER_NETWORKS = check_networks("KEYHOUSE_PROVIDER_NETWORKS", env.items("KEYHOUSE_PROVIDER_NETWORKS"))
DNS_RESOLVER = env.resolver("KEYHOUSE_DNS_RESOLVER")
GITHUB_KEYS_URL = env.download("KEYHOUSE_GITHUB_KEYS_URL")
AUDIT_SYSLOG = env.tls_address("KEYHOUSE_AUDIT_SYSLOG")
AUDIT_SYSLOG_CA = env.readable("KEYHOUSE_AUDIT_SYSLOG_CA")
AUDIT_SYSLOG_CERTIFICATE = env.readable("KEYHOUSE_AUDIT_SYSLOG_CERTIFICATE")
AUDIT_FILE = env.absolute_path("KEYHOUSE_AUDIT_FILE")
AUDIT_FORMAT = env.choice("KEYHOUSE_AUDIT_FORMAT", "jsonl", "ocsf")

PUBLIC_HOST = hosts.host_of(PUBLIC_URL)
HTTPS = PUBLIC_URL.startswith("https://")

# Django

DEBUG = env.flag("DEBUG")
SECRET_KEY = env.text("SECRET_KEY") or storage.kept(DATA_DIR, "secret_key", storage.new_secret_key)
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", PUBLIC_HOST, *env.hosts("ALLOWED_HOSTS")]

INSTALLED_APPS = [
    "config.apps.ConfigConfig",
    "audit",
    "access",
    "accounts",
    "oauth",
    "apikeys",
    "federation",
    "leaks",
    "migration",
    "provisioning",
    "webhooks",
    "console",
    "gateway",
    "config.apps.KeyhouseAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "oauth2_provider",
    "django.forms",
]

MIDDLEWARE = [
    "config.wire.http.middleware.RequestIdMiddleware",
    "config.wire.http.middleware.SecurityHeadersMiddleware",
    "config.wire.http.middleware.ProblemsMiddleware",
    "gateway.middleware.GatewayMiddleware",
    "config.wire.http.cors.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.wire.http.methods.MethodsMiddleware",
    "config.wire.http.middleware.RefuseEarlyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "accounts.sessions.browser.middleware.BrowserMiddleware",
    "accounts.users.profile.middleware.PersonalPagesMiddleware",
    "config.wire.http.middleware.HostMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "apikeys.usage.middleware.KeyUseMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
DATABASES = {"default": database_config(env.text("DATABASE_URL"), DATA_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

VALKEY_URL = valkey_url(env.text("CACHE_URL"))
CACHES = {"default": cache_config(env.text("CACHE_URL"))}
vars().update(email_config(env.text("EMAIL_URL")))
EMAIL_TIMEOUT = 10
MAIL_FROM = mail_sender(env.text("KEYHOUSE_MAIL_FROM"), PUBLIC_HOST)
RESET_URL = env.page("KEYHOUSE_RESET_URL", env.text("KEYHOUSE_RESET_URL") or f"{PUBLIC_URL}/reset-password")
RECOVERY_URL = f"{PUBLIC_URL}/recovery"
UNSUBSCRIBE_URL = f"{PUBLIC_URL}/unsubscribe"
UNDO_EMAIL_URL = f"{PUBLIC_URL}/undo-email-change"
CONFIRM_URL = f"{PUBLIC_URL}/confirm-email"
INVITATION_URL = f"{PUBLIC_URL}/accept-invitation"

# People and sessions

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS: list[str] = []  # accounts.sessions.browser.login_page logs people in
PASSWORD_HASHERS = ["accounts.passwords.hashing.BoundedArgon2"]
PASSWORD_MIN_LENGTH = (
    env.number("KEYHOUSE_PASSWORD_MIN_LENGTH", least=8, most=128)
    if env.text("KEYHOUSE_PASSWORD_MIN_LENGTH")
    else None
)
COMMON_PASSWORDS = env.lines("KEYHOUSE_COMMON_PASSWORDS")
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "accounts.passwords.rules.LengthValidator"},
    {"NAME": "accounts.passwords.rules.GuessableValidator"},
    {"NAME": "accounts.passwords.rules.PersonalWordsValidator"},
]
JWT_SIGNING_KEY = hmac.digest(SECRET_KEY.encode(), b"keyhouse login tokens", hashlib.sha256).hex()
REFRESH_KEY = hmac.digest(SECRET_KEY.encode(), b"keyhouse ids of refresh tokens", hashlib.sha256)
THROTTLE_KEY = hmac.digest(SECRET_KEY.encode(), b"keyhouse counters of attempts", hashlib.sha256)
UNSUBSCRIBE_KEY = hmac.digest(SECRET_KEY.encode(), b"keyhouse links that end mails", hashlib.sha256)
PASSKEY_KEY = hmac.digest(SECRET_KEY.encode(), b"keyhouse challenges for passkeys", hashlib.sha256)
IDEMPOTENCY_KEY = hmac.digest(SECRET_KEY.encode(), b"keyhouse idempotency keys", hashlib.sha256)
SIMPLE_JWT = {
    "ALGORITHM": "HS256",
    "SIGNING_KEY": JWT_SIGNING_KEY,
    "ISSUER": PUBLIC_URL,
    "AUDIENCE": PUBLIC_URL,
}

# OAuth2 and OpenID Connect: what the library is told; the rest is in oauth

MIGRATION_MODULES = {"oauth2_provider": "oauth.provider_migrations"}  # its 22 migrations as one
OAUTH2_PROVIDER_APPLICATION_MODEL = "accounts.OAuthClient"
OAUTH2_PROVIDER_GRANT_MODEL = "accounts.OAuthCode"
OAUTH2_PROVIDER_ACCESS_TOKEN_MODEL = "accounts.OAuthAccessToken"
OAUTH2_PROVIDER_REFRESH_TOKEN_MODEL = "accounts.OAuthRefreshToken"
OAUTH2_PROVIDER_ID_TOKEN_MODEL = "oauth2_provider.IDToken"
OAUTH2_PROVIDER = {
    "OIDC_ENABLED": True,
    "OIDC_ISS_ENDPOINT": PUBLIC_URL,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],  # and loopback addresses: oauth.protocol.redirect_uris
    "AUTHORIZATION_CODE_EXPIRE_SECONDS": 60,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
    "COMPLIANT_BCP_RFC9700_REFRESH_TOKEN": True,
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_SCHEME": True,
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_MATCHING": True,
    "COMPLIANT_BCP_RFC9700_PKCE_REQUIRED": True,
}

# HTTP

DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000  # high enough that the admin itself refuses too large a selection
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_REFERRER_POLICY = "same-origin"  # under no-referrer browsers send Origin: null, which fails CSRF
SESSION_ENGINE = "accounts.sessions.browser.store"
_port = urlsplit(PUBLIC_URL).port
# Cookies ignore ports, so the names must differ from Django's defaults and from another Keyhouse's.
_cookies = ("__Host-" if HTTPS else "") + ("keyhouse" if _port is None else f"keyhouse_{_port}")
SESSION_COOKIE_NAME = f"{_cookies}_session"
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
PROVIDER_COOKIE_NAME = f"{_cookies}_provider"
CSRF_COOKIE_NAME = f"{_cookies}_csrf"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "config.wire.problems.csrf_failure"
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
CORS_ALLOWED_ORIGINS = env.origins("KEYHOUSE_CORS_ORIGINS")
CORS_ALLOW_HEADERS = [  # and the profile's header for keys
    *("Authorization", "Content-Type", "X-Organization", "X-Request-ID"),
    *("Idempotency-Key", "If-Match", "If-None-Match"),
]
CORS_EXPOSE_HEADERS = [
    *("Allow", "ETag", "Idempotent-Replayed", "Link", "Location", "RateLimit", "RateLimit-Policy"),
    *("Retry-After", "WWW-Authenticate", "X-Request-ID"),
]
CORS_PREFLIGHT_MAX_AGE = 7200  # seconds: as long as Chromium remembers one
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # no third cookie
X_FRAME_OPTIONS = "DENY"
LOGIN_REDIRECT_URL = "admin:index"  # if `next` is not one of our pages
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SILENCED_SYSTEM_CHECKS = [
    "security.W008",  # redirects are the proxy's job: clients that get here have sent their credentials
    "security.W021",  # the owner of the whole domain decides about preload lists in browsers
]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apikeys.authentication.ApiKeyAuthentication",
        "oauth.authentication.OAuth2Authentication",
        "accounts.sessions.authentication.AccessTokenAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["access.permissions.DeclaredNeeds"],
    "DEFAULT_PARSER_CLASSES": ["config.wire.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["config.wire.rendering.WireRenderer"],
    "DEFAULT_PAGINATION_CLASS": "config.wire.lists.pages.Pages",
    "DEFAULT_SCHEMA_CLASS": "config.wire.openapi.schema.WireSchema",
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "config.wire.rendering.AlwaysJson",
    "EXCEPTION_HANDLER": "access.exceptions.handle",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.1.1",
    "VERSION": "1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "COMPONENT_SPLIT_PATCH": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,  # our words are their own labels: it would say each twice
    "ENUM_NAME_OVERRIDES": {
        "ApiKeyStatus": "apikeys.models.STATUSES",
        "GrantType": "oauth.protocol.server.GRANT_TYPES",
        "TokenType": "gateway.introspection.TOKEN_TYPE_NAMES",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "config.wire.openapi.document.finish",
    ],
}

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "config" / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_ALLOW_ALL_ORIGINS = False

LANGUAGE_CODE = "en"
USE_I18N = True
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "config" / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"()": "config.logs.OneLineFormatter"},
        "json": {"()": "config.logs.JsonFormatter"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "stream": sys.stderr, "formatter": LOG_FORMAT}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        # A refused request is not a server error; the audit log has those that matter.
        "django.request": {"level": "ERROR"},
        "django.security": {"level": "CRITICAL"},  # it logs a traceback for each wrong Host header
    },
}
