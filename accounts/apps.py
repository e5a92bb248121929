from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "People"

    def ready(self) -> None:
        from access import makers
        from accounts import schema  # noqa: F401 (registers itself with the OpenAPI generator)
        from accounts.oauth.authentication import principal_now

        makers.register("oauth2", principal_now)
