"""OAuth2 clients, consents, and the digests of codes and tokens.

The tables are django-oauth-toolkit's, without the columns that Keyhouse does not use. They store no code,
token or client secret in clear text.
"""

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _
from oauth2_provider.models import (
    AbstractAccessToken,
    AbstractApplication,
    AbstractGrant,
    AbstractRefreshToken,
)

from access.principals import Principal
from accounts.models.people import Organization, User
from accounts.models.sessions import idle_time
from config import profiles
from config.database.rows import PublicRow
from config.profiles import Capability
from oauth.protocol.redirect_uris import is_allowed

LABEL = "accounts"  # tables, migrations and addresses in the admin are named after it


class OAuthClient(PublicRow, AbstractApplication):
    """A program that acts for people who consent, or a machine that acts for its owner.

    `client_secret` is a digest (oauth.protocol.tokens), empty for a public client. `pepper` is the number of
    its pepper, or null if it is older than the numbering. `scopes` are the most that the client can get.
    `without_pkce` is for a client that has a secret and cannot send a code_challenge. `device_grant` is for a
    client on devices that may ask with a user code (RFC 8628).
    """

    name = models.CharField(_("name"), max_length=100)
    client_secret = models.CharField(max_length=64, blank=True)
    pepper = models.PositiveSmallIntegerField(null=True, editable=False)
    scopes = models.JSONField(_("scopes"), default=list)
    without_pkce = models.BooleanField(_("without PKCE"), default=False)
    device_grant = models.BooleanField(_("device grant"), default=False, db_default=False)
    issue_recorded_at = models.DateTimeField(null=True, editable=False)
    organization = models.ForeignKey(
        Organization, models.CASCADE, null=True, blank=True, related_name="oauth_clients"
    )
    # None removes the inherited columns.
    hash_client_secret = None
    skip_authorization = None
    updated = None
    algorithm = None
    allowed_origins = None
    registration_source = None
    cimd_expires_at = None

    class Meta:
        verbose_name = _("OAuth2 client")
        verbose_name_plural = _("OAuth2 clients")
        app_label = LABEL
        ordering = ("-pk",)

    def __str__(self) -> str:
        return self.name

    @property
    def is_confidential(self) -> bool:
        """Whether the client has a secret."""
        return self.client_type == self.CLIENT_CONFIDENTIAL

    @property
    def is_machine(self) -> bool:
        """Whether the client acts for its owner, without anybody's consent."""
        return self.authorization_grant_type == self.GRANT_CLIENT_CREDENTIALS

    @property
    def kind(self) -> str:
        """machine, public or confidential."""
        return "machine" if self.is_machine else "confidential" if self.is_confidential else "public"

    @property
    def needs_pkce(self) -> bool:
        """Whether its requests need a code_challenge; public clients always do (RFC 9700 section 2.1.1)."""
        policy = profiles.active().oauth2
        may_omit = self.without_pkce or (policy is not None and policy.pkce == "public")
        return not (self.is_confidential and may_omit)

    def clean(self) -> None:
        """Do nothing, because the service validates clients."""

    def redirect_uri_allowed(self, uri: str) -> bool:
        """Whether the client may receive answers at this address."""
        return is_allowed(uri, self.redirect_uris.split())

    def origin_allowed(self, origin: str) -> bool:
        """Return False: config.wire.http.cors alone says which pages may read our answers."""
        return False


class ConsentQuerySet(models.QuerySet["Consent"]):
    def live(self, now: datetime) -> "ConsentQuerySet":
        """Consents that have not ended by age or by idleness."""
        return self.filter(expires_at__gt=now, last_used_at__gt=now - idle_time())

    def visible_to(self, principal: Principal) -> "ConsentQuerySet":
        """The caller's own consents, or everybody's if the caller manages people."""
        if principal.may(Capability.MANAGE_USERS):
            return self
        return self.filter(user_id=principal.user_id or 0)


class Consent(PublicRow):
    """A person's consent to a client. Deleting it deletes the codes and tokens that came from it.

    `second_factor` says whether the login proved one. A consent ends by age or without a refresh, like a
    session.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="consents", verbose_name=_("user"))
    client = models.ForeignKey(OAuthClient, models.CASCADE, related_name="consents", verbose_name=_("client"))
    scopes = models.JSONField(_("scopes"), default=list)
    second_factor = models.BooleanField(default=False)
    authenticated_at = models.DateTimeField()
    created_at = models.DateTimeField("given at")
    last_used_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    issue_recorded_at = models.DateTimeField(null=True, editable=False)

    objects = ConsentQuerySet.as_manager()

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        app_label = LABEL
        ordering = ("-pk",)
        indexes = (models.Index(fields=["client", "last_used_at"], name="consent_by_client_and_use"),)

    def __str__(self) -> str:
        return f"consent of {self.user} to {self.client}"


class OAuthCode(AbstractGrant):
    """An authorization code; `code` is its SHA-256 in hexadecimal. Spent codes stay, to detect replays."""

    consent = models.ForeignKey(Consent, models.CASCADE)
    spent_at = models.DateTimeField(null=True)
    created = None
    updated = None
    claims = None
    resource = None

    class Meta:
        app_label = LABEL

    def __str__(self) -> str:
        return f"code {self.pk}"


class DeviceCodeQuerySet(models.QuerySet["DeviceCode"]):
    def open(self, now: datetime) -> "DeviceCodeQuerySet":
        """Codes that nobody has answered and that have not expired."""
        return self.filter(expires_at__gt=now, consent=None, denied_at=None)


class DeviceCode(PublicRow):
    """A device that asks to act for a person (RFC 8628), and what the person answered.

    `digest` is the SHA-256 of the device code, and `user_digest` the HMAC of the user code under a pepper,
    both in hexadecimal. `network` is what counts as one address (config.wire.http.client_ip.network_of).
    `interval` is the least number of seconds between polls. `consent` is set when a person allows it.
    """

    client = models.ForeignKey(OAuthClient, models.CASCADE, related_name="device_codes")
    digest = models.CharField(max_length=64, unique=True)
    user_digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    ip = models.CharField(max_length=45, blank=True)
    network = models.CharField(max_length=45, blank=True)
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    interval = models.PositiveIntegerField()
    polled_at = models.DateTimeField(null=True)
    denied_at = models.DateTimeField(null=True)
    consent = models.OneToOneField(Consent, models.CASCADE, null=True, related_name="device_code")
    spent_at = models.DateTimeField(null=True)

    objects = DeviceCodeQuerySet.as_manager()

    class Meta:
        app_label = LABEL
        indexes = (models.Index(fields=["client", "network"], name="device_code_by_client"),)

    def __str__(self) -> str:
        return f"device with {self.client}"


class OAuthAccessToken(AbstractAccessToken):
    """An access token. `consent` is null for machines, and `user` is null for machines of organizations.

    The table stores only its digest; saving a new row hashes `_raw_token`.
    """

    _raw_token: str | None = None
    consent = models.ForeignKey(Consent, models.CASCADE, null=True)
    token = None
    source_refresh_token = None
    id_token = None
    resource = None
    created = None
    updated = None

    class Meta:
        app_label = LABEL
        indexes = (models.Index(fields=["expires"], name="oauth_token_by_end"),)

    def __str__(self) -> str:
        return f"access token {self.pk}"


class OAuthRefreshToken(AbstractRefreshToken):
    """A refresh token, stored like an access token. `revoked` is when it was exchanged for a new one."""

    _raw_token: str | None = None
    consent = models.ForeignKey(Consent, models.CASCADE)
    token = None
    access_token = None
    token_family = None
    resource = None
    created = None
    updated = None

    class Meta:
        app_label = LABEL
        unique_together = ("token_checksum", "revoked")

    def __str__(self) -> str:
        return f"refresh token {self.pk}"
