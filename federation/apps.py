from django.apps import AppConfig


class FederationConfig(AppConfig):
    name = "federation"
    verbose_name = "Identity providers"

    def ready(self) -> None:
        from accounts import background, encrypted, hooks
        from federation.encrypted import COLUMNS
        from federation.services import logouts
        from federation.services.asking_again import clear_ended, is_still_known

        hooks.login_visited.append(is_still_known)
        background.register(clear_ended, "refresh tokens not deleted yet")
        background.register(logouts.clear_ended, "old logouts at providers not deleted yet")
        encrypted.columns.extend(COLUMNS)
