import gc
from collections.abc import Sequence
from functools import cache
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core.cache import close_caches
from django.core.checks import CheckMessage, Tags, register
from django.core.handlers.base import reset_urlconf
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, reset_queries

from config.database.threads import renew_connection


class ConfigConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        from config import checks  # noqa: F401 (the import registers them)

        _spare_each_request()
        gc.freeze()  # modules loaded by now stay, and forks share their memory
        gc.enable()


def _spare_each_request() -> None:
    """Disconnect what Django does around each request for features that Keyhouse does not use.

    These are caches, DEBUG's list of queries, and requests with their own URLs (`request.urlconf`). Django
    also checks the thread's database connection twice. The check before a request is enough: a broken or old
    connection does no harm while it is idle. Ours takes a tenth of the time of Django's, which looks for the
    connection first.
    """
    request_finished.disconnect(close_caches)
    request_finished.disconnect(reset_urlconf)
    request_finished.disconnect(close_old_connections)
    request_started.disconnect(close_old_connections)
    request_started.connect(renew_connection)
    if not settings.DEBUG:
        request_started.disconnect(reset_queries)


class KeyhouseAdminConfig(SimpleAdminConfig):
    """The admin. Its pages are loaded with the addresses, or by its checks: other commands need none."""

    default_site = "accounts.sessions.admin_site.KeyhouseAdminSite"

    def ready(self) -> None:
        register(check_dependencies, Tags.admin)
        register(check_admin, Tags.admin)


def check_admin(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """What Django checks of an admin."""
    load_admin()
    return check_admin_app(app_configs, **kwargs)


@cache
def load_admin() -> None:
    """Load the pages of the admin."""
    from django.contrib.auth.models import Group

    admin.autodiscover()
    admin.site.unregister(Group)  # roles come from the profile
