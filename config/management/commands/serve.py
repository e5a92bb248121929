import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config import profiles, server
from config.checks import production_faults
from config.env import parse_address


class Command(BaseCommand):
    help = "The production server. Stops on SIGTERM or Ctrl-C."

    requires_system_checks = ()

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--bind", metavar="HOST:PORT", help="default: KEYHOUSE_BIND")
        parser.add_argument("--workers", type=int, default=2, metavar="N", help="processes, default 2")
        parser.add_argument("--json", action="store_true", help="print where it serves as one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        places = places_to_go()
        for fault in production_faults():
            raise CommandError(f"({fault.id}) {fault.msg} {fault.hint}")
        if options["workers"] < 1:
            raise CommandError("--workers: must be 1 or more")
        host, port = parse_address("--bind", options["bind"]) if options["bind"] else settings.BIND

        def announce(_server: Any) -> None:
            self.stdout.write(json.dumps(places) if options["json"] else as_text(places))
            self.stdout.flush()

        server.run(
            host,
            port,
            workers=options["workers"],
            trusted_proxies=settings.TRUSTED_PROXIES,
            when_ready=announce,
        )


def places_to_go() -> dict[str, str]:
    """Return the addresses of this installation."""
    url, profile = settings.PUBLIC_URL, profiles.active()
    return {
        "profile": profile.product.name,
        "api": f"{url}{profile.base_path}",
        "docs": f"{url}/docs",
        "admin": f"{url}/admin/",
        "try": f"curl {url}/ready",
    }


def as_text(places: dict[str, str]) -> str:
    return "\n".join(f"{name + ':':<9}{value}" for name, value in places.items())
