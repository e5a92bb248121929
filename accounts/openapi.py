"""The access token, and the rules of people, in the OpenAPI document."""

from functools import partial

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from accounts.notifications.kinds import CHOICES, clean_notifications
from accounts.passwords.rules import check_new_password, least_length
from accounts.users.authority import check_global_role, check_organization_role
from accounts.users.names import clean_email
from accounts.users.preferences import LANGUAGES, clean_language
from config import profiles
from config.wire.openapi.fields import describe_rule, describe_words


class AccessTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "accounts.sessions.authentication.AccessTokenAuthentication"
    name = "access_token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


def _roles(level: str) -> dict[str, str]:
    """Return the roles of a level, with their descriptions."""
    profile = profiles.active()
    return {name: profile.roles[name].description for name in profile.roles_of_level(level)}


describe_rule(clean_language, lambda: {"pattern": f"^({'|'.join(LANGUAGES)})$"})
describe_words(clean_notifications, "NotificationName", lambda: dict.fromkeys(CHOICES, ""))
describe_rule(clean_email, lambda: {"format": "email"})
describe_rule(check_new_password, lambda: {"minLength": least_length()})
describe_words(check_global_role, "GlobalRole", partial(_roles, "global"))
describe_words(check_organization_role, "OrganizationRole", partial(_roles, "organization"))
