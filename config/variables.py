"""The environment variables that Keyhouse reads, in groups. The page of settings is made from this."""

from typing import NamedTuple


class Variable(NamedTuple):
    """A variable's value when it is not set, and what it is for, in Markdown.

    `otherwise` says what holds without it, where no single value does.
    """

    default: str
    about: str
    otherwise: str = ""


GROUPS: dict[str, dict[str, Variable]] = {
    "The installation": {
        "KEYHOUSE_PROFILE": Variable(
            "keyhouse", "The profile to serve: the name of a shipped one, or the path of a TOML file."
        ),
        "KEYHOUSE_DATA_DIR": Variable(
            "",
            "The folder for generated secrets and the SQLite database. A relative path starts at the folder "
            "of the clone; an installed wheel takes absolute paths only.",
            "`var` in a clone; `$XDG_DATA_HOME/keyhouse`, or else `~/.local/share/keyhouse`, for a wheel",
        ),
        "KEYHOUSE_LEASE_MS": Variable(
            "250",
            "How long a process trusts what it has read of callers before it asks the database again, in "
            "milliseconds, at most 10000. It must be the same on every machine. `0`: it always asks.",
        ),
        "DEBUG": Variable("false", "`true` for development only. `serve` refuses it."),
    },
    "Addresses": {
        "KEYHOUSE_PUBLIC_URL": Variable(
            "",
            "The address that clients use, without a path. It is read in one spelling: lower case, IDN as "
            "A-labels, no default port, no dot at the end. With `https://`, cookies are `__Host-` cookies, "
            "and browsers keep to https for a year at this host and the hosts below it (HSTS).",
            "`http://` and `KEYHOUSE_BIND`, with `localhost` for `0.0.0.0` and `[::]`",
        ),
        "KEYHOUSE_BIND": Variable("127.0.0.1:8000", "The host and port that the server listens on."),
        "ALLOWED_HOSTS": Variable(
            "",
            "More host names to answer to, in any spelling (`bücher.example`, `[2001:DB8::1]`); "
            "`.example.org` stands for all hosts below it. Loopback addresses and the public host are "
            "always allowed.",
            "none",
        ),
        "KEYHOUSE_CORS_ORIGINS": Variable(
            "",
            "The origins of web pages whose scripts may call the API, such as `https://app.example.org` "
            "([how to](../how-to/cors.md)). `http://` is accepted for loopback addresses only.",
            "none",
        ),
        "KEYHOUSE_TRUSTED_PROXIES": Variable(
            "",
            "Addresses or networks of proxies whose `X-Forwarded-For` is believed. A hop may have a port "
            "(`203.0.113.7:51234`, `[2001:db8::1]:443`) or quotes. A client behind an unreadable hop has no "
            "address.",
            "none",
        ),
        "KEYHOUSE_METRICS_NETWORKS": Variable(
            "",
            "Addresses or networks that may read `/metrics` (Prometheus), such as `127.0.0.1`. A proxy in "
            "front must be in `KEYHOUSE_TRUSTED_PROXIES`; otherwise all its clients have its address.",
            "nobody may read it, and nothing is counted",
        ),
    },
    "Secrets": {
        "SECRET_KEY": Variable("", "Signs login tokens and cookies.", "generated once"),
        "KEYHOUSE_PEPPERS": Variable(
            "",
            "Numbered peppers, `1:HEX,2:HEX`, for the digests of API keys.",
            "generated once",
        ),
        "KEYHOUSE_CURRENT_PEPPER": Variable(
            "",
            "The number of the pepper that new digests are made with. Servers that know a new pepper but do "
            "not use it yet can be [restarted one after another](../how-to/rotate.md#peppers).",
            "the highest number",
        ),
        "KEYHOUSE_SEED_KEYS": Variable(
            "",
            "Numbered keys that TOTP seeds and the secrets of webhooks are encrypted with, written like the "
            "peppers.",
            "generated once",
        ),
        "KEYHOUSE_CURRENT_SEED_KEY": Variable(
            "", "The number of the key that Keyhouse encrypts with from now on.", "the highest number"
        ),
        "KEYHOUSE_SIGNING_KEYS": Variable(
            "",
            "Private keys that sign ID tokens, and login tokens where the profile says so: one PEM after the "
            "other. The first key of an algorithm signs.",
            "generated once",
        ),
        "KEYHOUSE_NETBOX_PEPPERS": Variable(
            "",
            'NetBox\'s `API_TOKEN_PEPPERS` as JSON, `{"1": "…"}`, for as long as tokens of version 2 '
            "that were [imported](../how-to/import-keys.md) from it are unused. The database does not have "
            "them.",
            "none",
        ),
    },
    "Passwords and attempts": {
        "KEYHOUSE_PASSWORD_MIN_LENGTH": Variable(
            "", "The least length of passwords, from 8 to 128.", "the profile's `login.password_min_length`"
        ),
        "KEYHOUSE_COMMON_PASSWORDS": Variable(
            "",
            "The path of a file of passwords, one a line, that are refused in addition to the 20,000 most "
            "common ones.",
            "none",
        ),
        "KEYHOUSE_ADMIN_SECOND_FACTOR": Variable(
            "true",
            "Nobody uses the admin without a second factor; people who have none are taken to the page with "
            "the QR code. `false`: a password alone is enough.",
        ),
        "KEYHOUSE_LIMITS": Variable(
            "",
            "How often something may be tried, where it differs from the "
            "[limits of attempts](#limits-of-attempts): `login.address=200,forgot_password.here=3`.",
            "none",
        ),
    },
    "Identity providers of organizations": {
        "KEYHOUSE_PROVIDER_NETWORKS": Variable(
            "",
            "Addresses or networks that are not public, at which identity providers may be "
            "([how to](../how-to/organization-login.md)). Only a provider there may be without TLS.",
            "providers must have public addresses",
        ),
        "KEYHOUSE_DNS_RESOLVER": Variable(
            "",
            "The name server, `ADDRESS:PORT`, that Keyhouse asks for the records with which organizations "
            "prove their domains.",
            "the system's",
        ),
    },
    "Reports of leaked keys": {
        "KEYHOUSE_GITHUB_KEYS_URL": Variable(
            "https://api.github.com/meta/public_keys/secret_scanning",
            "The URL of GitHub's public keys, which verify its reports of leaked keys "
            "([how to](../how-to/leaks.md)). `http://` is accepted for loopback addresses only.",
        ),
    },
    "Webhooks": {
        "KEYHOUSE_WEBHOOK_NETWORKS": Variable(
            "",
            "Addresses or networks that [webhooks](../how-to/webhooks.md) may be sent to, although they are "
            "not public, such as `10.0.0.0/8`. Only they may have a URL with `http://`.",
            "none: public addresses only",
        ),
    },
    "Database and cache": {
        "DATABASE_URL": Variable(
            "",
            "`postgres://USER:PASSWORD@HOST:PORT/NAME` or `sqlite:///PATH`. Behind PgBouncer add "
            "`?pgbouncer=true` ([how to](../how-to/pgbouncer.md)); behind another pooler without prepared "
            "statements `?prepare_threshold=none`. A database whose machine vanishes is given up after two "
            "seconds, or later with `?tcp_user_timeout=10000` (ms).",
            "SQLite in the data folder",
        ),
        "CACHE_URL": Variable(
            "locmemcache://",
            "`redis://USER:PASSWORD@HOST:PORT/0`, or `rediss://…` with TLS: a Valkey that counts attempts "
            "and the requests of keys with a rate limit. Without one, attempts are counted in the database, "
            "and each worker lets its share of a key's rate through.",
        ),
    },
    "Mail": {
        "EMAIL_URL": Variable(
            "consolemail://",
            "Where mails go. By default they go into the output of the server, links included. "
            "`smtp+tls://USER:PASSWORD@HOST:587` (STARTTLS), `smtps://USER:PASSWORD@HOST` (TLS from the "
            "first byte, port 465), `smtp://HOST` (no TLS), `filemail:///FOLDER`; `dummymail://` drops them.",
        ),
        "KEYHOUSE_MAIL_FROM": Variable(
            "",
            "The address that mails come from.",
            "`keyhouse@` and the public host, or `localhost` if that is an IP address or a single word",
        ),
        "KEYHOUSE_RESET_URL": Variable(
            "",
            "The page that reset mails link to, with `?token=…` behind it. It has no `?` or `#` itself.",
            "Keyhouse's own page, `/reset-password`",
        ),
    },
    "Logs and monitoring": {
        "KEYHOUSE_LOG_FORMAT": Variable(
            "text", "`json`: each line of the log is a JSON object ([how to](../how-to/observe.md))."
        ),
        "KEYHOUSE_ACCESS_LOG": Variable(
            "false",
            "`true`: `serve` writes a line for each answer to standard output "
            "([fields](../how-to/observe.md#the-access-log)).",
        ),
        "SENTRY_DSN": Variable(
            "",
            "Where Sentry takes the errors of `serve` ([how to](../how-to/observe.md#sentry)).",
            "no Sentry",
        ),
        "OTEL_EXPORTER_OTLP_ENDPOINT": Variable(
            "",
            "The collector that takes the traces of `serve`, such as `http://127.0.0.1:4318` "
            "([how to](../how-to/observe.md#opentelemetry)).",
            "no traces",
        ),
        "OTEL_EXPORTER_OTLP_PROTOCOL": Variable("http/protobuf", "The only protocol that is supported."),
        "OTEL_SERVICE_NAME": Variable("keyhouse", "The name of the service in traces."),
        "OTEL_SDK_DISABLED": Variable("false", "`true`: no traces, whatever else is set."),
    },
    "The audit log elsewhere": {
        "KEYHOUSE_AUDIT_SYSLOG": Variable(
            "",
            "`tls://HOST:PORT` of a syslog server that gets all events of the audit log (RFC 5424 over TLS, "
            "[how to](../how-to/export-the-audit-log.md#send-it-to-a-syslog-server)).",
            "none",
        ),
        "KEYHOUSE_AUDIT_SYSLOG_CA": Variable(
            "",
            "The path of the certificate (PEM) of the authority that signed the syslog server's.",
            "the authorities of the system",
        ),
        "KEYHOUSE_AUDIT_SYSLOG_CERTIFICATE": Variable(
            "",
            "The path of a file with Keyhouse's certificate and private key (PEM) for the syslog server.",
            "none",
        ),
        "KEYHOUSE_AUDIT_FILE": Variable(
            "",
            "The absolute path of a file that every event of the audit log is appended to "
            "([how to](../how-to/export-the-audit-log.md#append-it-to-a-file)).",
            "none",
        ),
        "KEYHOUSE_AUDIT_FORMAT": Variable("jsonl", "The form of events in both: `jsonl` or `ocsf`."),
    },
    "The first administrator": {
        "KEYHOUSE_ADMIN_USERNAME": Variable(
            "", "Their user name, for a first start without a terminal.", "`admin`"
        ),
        "KEYHOUSE_ADMIN_EMAIL": Variable(
            "", "Their e-mail address.", "`admin@` and the public host, or `localhost`"
        ),
        "KEYHOUSE_ADMIN_PASSWORD": Variable("", "Their password.", "generated, and printed once"),
    },
}
VARIABLES = {name: variable for group in GROUPS.values() for name, variable in group.items()}
