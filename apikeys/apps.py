from django.apps import AppConfig


class ApiKeysConfig(AppConfig):
    name = "apikeys"
    verbose_name = "API keys"

    def ready(self) -> None:
        from access import credential_lookup
        from accounts import background, hooks
        from accounts.mail import delivery
        from accounts.mail.messages import MailKind
        from apikeys.authentication import principal_now
        from apikeys.notices.mails import prepare_notices, prepare_warnings
        from apikeys.notices.rounds import tell_due
        from apikeys.quotas.leases import give_back_ended
        from apikeys.review.services import prepare_reset_notice
        from apikeys.rotations.finishing import finish_rotations
        from apikeys.services.known_secrets import check_secrets
        from apikeys.services.owners import KeysOfOwners
        from config.commands.base import check_surroundings_with

        check_surroundings_with(check_secrets)
        credential_lookup.register("key", principal_now)
        hooks.holdings.append(KeysOfOwners())
        delivery.register(MailKind.PASSWORD_RESET, prepare_reset_notice)
        delivery.register(MailKind.KEY_NOTICES, prepare_notices)
        delivery.register(MailKind.KEY_WARNINGS, prepare_warnings)
        background.register(tell_due, "owners of keys not told yet")
        background.register(give_back_ended, "units of quotas not given back yet")
        background.register(finish_rotations, "rotations not finished yet")
