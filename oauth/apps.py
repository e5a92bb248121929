from django.apps import AppConfig


class OAuthConfig(AppConfig):
    name = "oauth"
    verbose_name = "OAuth2"

    def ready(self) -> None:
        from access import credential_lookup
        from accounts import background, hooks
        from oauth.authentication import principal_now
        from oauth.services import consents, devices

        credential_lookup.register("oauth2", principal_now)
        hooks.access_ended.append(consents.end_consents_of)
        hooks.second_factor_removed.append(consents.unprove_consents_of)
        background.register(consents.clear_ended, "old tokens not deleted yet")
        background.register(devices.clear_ended, "old device codes not deleted yet")
