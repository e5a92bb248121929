from django.apps import AppConfig


class MigrationConfig(AppConfig):
    name = "migration"
    verbose_name = "Imported API keys"

    def ready(self) -> None:
        from accounts import background
        from migration.unused import disable_unused

        background.register(disable_unused, "unused imported keys not disabled yet")
