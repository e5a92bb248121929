from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class ConfigConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        from config import checks, schema  # noqa: F401 (they register themselves)


class KeyhouseAdminConfig(AdminConfig):
    default_site = "accounts.admin_site.KeyhouseAdminSite"

    def ready(self) -> None:
        super().ready()
        from django.contrib import admin
        from django.contrib.auth.models import Group

        admin.site.unregister(Group)  # roles come from the profile
