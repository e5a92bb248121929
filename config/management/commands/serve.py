import gc
import json
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections
from django.urls import get_resolver

from access.principal_cache import memory
from accounts import background
from accounts.passkeys.stranded import warn_of_stranded_passkeys
from accounts.passwords import hashing
from apikeys.services.known_secrets import check_secrets
from apikeys.usage import rates
from config import env, metrics, profiles
from config.checks import production_faults, signing_key_faults, wire_faults
from config.commands.base import JsonCommand, stop_at
from config.commands.terminal import warn_of_unknown_variables
from config.database.migrate import check_up_to_date
from config.database.postgresql.limits import check_limits
from config.server import processes
from config.telemetry import access_log, sentry, tracing


class Command(JsonCommand):
    help = "Run the production server. SIGTERM and Ctrl-C stop it."
    examples = (
        "{}",
        "{} --bind 0.0.0.0:8000 --workers 4",
        "{} --setup",
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "--bind",
            metavar="HOST:PORT",
            help="where to listen; default: KEYHOUSE_BIND. Links use KEYHOUSE_PUBLIC_URL",
        )
        parser.add_argument("--workers", type=int, default=2, metavar="N", help="processes; default: 2")
        parser.add_argument("--setup", action="store_true", help="first do what setup does; not with --json")

    def handle(self, *args: Any, **options: Any) -> None:
        bind = options["bind"]
        host, port = settings.BIND if bind is None else env.parse_address("--bind", bind)
        places = places_to_go(public_url(bind, host, port))
        check_arguments(options)
        check_settings()
        prepare_database(set_up=options["setup"])
        rates.share_among(options["workers"])
        hashing.share_among(options["workers"])

        def announce(_server: Any) -> None:
            if settings.METRICS_NETWORKS:
                metrics.prepare(settings.DATA_DIR / "metrics" / str(port))
            is_json = options["json"] or settings.LOG_FORMAT == "json"
            self.stdout.write(json.dumps(places) if is_json else as_text(places))
            self.stdout.flush()

        load_for_workers()
        processes.run(
            host,
            port,
            load=load_application,
            workers=options["workers"],
            trusted_proxies=settings.TRUSTED_PROXIES,
            when_ready=announce,
            in_each_worker=start_worker,
        )


def load_for_workers() -> None:
    """Load what all workers need before they are forked, so that they share it and are ready at once.

    It stays, so the garbage collector need not look at it: that would stop a worker for 40 ms.
    """
    load_application()
    assert get_resolver().url_patterns  # noqa: S101 (else the first request of each worker loads them)
    connections.close_all()  # the forked workers need their own
    gc.collect()
    gc.freeze()


def load_application() -> Any:
    """Return the ASGI application."""
    from config.asgi import application

    return application


def start_worker(worker: Any) -> None:
    """Start what a serving process does beside answering requests."""
    if settings.SENTRY_DSN:
        sentry.start(settings.SENTRY_DSN)
    if tracing.is_wanted():
        tracing.start()
    if settings.ACCESS_LOG:
        access_log.start(is_json=settings.LOG_FORMAT == "json")
    if settings.METRICS_NETWORKS:
        metrics.start()
    background.start(worker)
    memory.renew_in_background()


def check_arguments(options: dict[str, Any]) -> None:
    """Raise CommandError for arguments that cannot be followed."""
    if options["workers"] < 1:
        raise CommandError("--workers: must be 1 or more")
    if options["setup"] and options["json"]:
        raise CommandError("--setup: not with --json; run setup --json before")


def check_settings() -> None:
    """Raise CommandError or ConfigurationError for a setting that is a reason not to serve."""
    sentry.check(settings.SENTRY_DSN)
    tracing.check()
    stop_at([*production_faults(), *wire_faults(), *signing_key_faults()])


def prepare_database(*, set_up: bool) -> None:
    """Set the database up, or else raise CommandError unless it is; also if it is not to be served."""
    if set_up:
        call_command("setup", json=settings.LOG_FORMAT == "json")
    else:
        warn_of_unknown_variables()
        check_up_to_date()
    check_limits()
    check_secrets()
    warn_of_stranded_passkeys()


def public_url(bind: str | None, host: str, port: int) -> str:
    """Return the URL for clients: the configured one, or else the one where this process listens."""
    if bind is None or env.text("KEYHOUSE_PUBLIC_URL"):
        return str(settings.PUBLIC_URL)
    return env.own_url(host, port)


def places_to_go(url: str) -> dict[str, str]:
    """Return the addresses of the installation at `url`."""
    profile = profiles.active()
    return {
        "profile": profile.product.name,
        "api": f"{url}{profile.base_path}",
        "docs": f"{url}/docs",
        "console": f"{url}/account/",
        "admin": f"{url}/admin/",
        "try": f"curl {url}/ready",
    }


def as_text(places: dict[str, str]) -> str:
    return "\n".join(f"{name + ':':<9}{value}" for name, value in places.items())
