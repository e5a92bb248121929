from django.apps import AppConfig


class ApiKeysConfig(AppConfig):
    name = "apikeys"
    verbose_name = "API keys"

    def ready(self) -> None:
        from access import credential_lookup
        from accounts import hooks
        from accounts.mail import delivery
        from accounts.mail.messages import MailKind
        from apikeys import openapi  # noqa: F401 (the import registers it with the OpenAPI generator)
        from apikeys.authentication import principal_now
        from apikeys.review.services import prepare_reset_notice
        from apikeys.services.known_secrets import check_secrets
        from apikeys.services.owners import KeysOfOwners
        from config.commands.base import check_surroundings_with

        check_surroundings_with(check_secrets)
        credential_lookup.register("key", principal_now)
        hooks.holdings.append(KeysOfOwners())
        delivery.register(MailKind.PASSWORD_RESET, prepare_reset_notice)
