"""OAuth2: clients, what people allow them, and the digests of codes and tokens.

The tables are django-oauth-toolkit's, without the columns that we have no use for: no code and no token
is stored, nor a client's secret.
"""

from datetime import datetime

from django.db import models
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
    """A program that acts for people who allow it, or, without redirect addresses, for its one owner.

    `client_secret` is a digest (oauth.protocol.tokens), empty for a public client; `pepper` the number of the
    pepper in it, or none from before they were numbered. `scopes` are the most that it gets. `without_pkce`
    is for one that cannot send a code_challenge, and has a secret.
    """

    name = models.CharField(max_length=100)
    client_secret = models.CharField(max_length=64, blank=True)
    pepper = models.PositiveSmallIntegerField(null=True, editable=False)
    scopes = models.JSONField(default=list)
    without_pkce = models.BooleanField("without PKCE", default=False)
    issue_recorded_at = models.DateTimeField(null=True, editable=False)
    organization = models.ForeignKey(
        Organization, models.CASCADE, null=True, blank=True, related_name="oauth_clients"
    )
    # Django: without these inherited columns.
    hash_client_secret = None
    skip_authorization = None
    updated = None
    algorithm = None
    allowed_origins = None
    registration_source = None
    cimd_expires_at = None

    class Meta:
        app_label = LABEL
        verbose_name = "OAuth2 client"
        ordering = ("-pk",)

    def __str__(self) -> str:
        return self.name

    @property
    def is_confidential(self) -> bool:
        """Whether it has a secret."""
        return self.client_type == self.CLIENT_CONFIDENTIAL

    @property
    def is_machine(self) -> bool:
        """Whether it acts for its owner, without anybody who allows it."""
        return self.authorization_grant_type == self.GRANT_CLIENT_CREDENTIALS

    @property
    def kind(self) -> str:
        """machine, public or confidential."""
        return "machine" if self.is_machine else "confidential" if self.is_confidential else "public"

    @property
    def needs_pkce(self) -> bool:
        """Whether its requests must have a code_challenge; a public client's always (RFC 9700 2.1.1)."""
        policy = profiles.active().oauth2
        may_omit = self.without_pkce or (policy is not None and policy.pkce == "public")
        return not (self.is_confidential and may_omit)

    def clean(self) -> None:
        """Nothing: the service checks."""

    def redirect_uri_allowed(self, uri: str) -> bool:
        """Whether this is one of the addresses."""
        return is_allowed(uri, self.redirect_uris.split())

    def origin_allowed(self, origin: str) -> bool:
        """No foreign page reads our answers."""
        return False


class ConsentQuerySet(models.QuerySet["Consent"]):
    def live(self, now: datetime) -> "ConsentQuerySet":
        """Those that neither their age nor lying idle has ended."""
        return self.filter(expires_at__gt=now, last_used_at__gt=now - idle_time())

    def visible_to(self, principal: Principal) -> "ConsentQuerySet":
        """The caller's own, or, for those who manage people, everybody's."""
        if principal.may(Capability.MANAGE_USERS):
            return self
        return self.filter(user_id=principal.user_id or 0)


class Consent(PublicRow):
    """A person's yes to a client, once: all codes and tokens that came of it go when the row goes.

    `second_factor` says whether the login had one. It ends as a session does: by age, or without a refresh.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="consents")
    client = models.ForeignKey(OAuthClient, models.CASCADE, related_name="consents")
    scopes = models.JSONField(default=list)
    second_factor = models.BooleanField(default=False)
    authenticated_at = models.DateTimeField()
    created_at = models.DateTimeField("given at")
    last_used_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    issue_recorded_at = models.DateTimeField(null=True, editable=False)

    objects = ConsentQuerySet.as_manager()

    class Meta:
        app_label = LABEL
        ordering = ("-pk",)
        indexes = (models.Index(fields=["client", "last_used_at"], name="consent_by_client_and_use"),)

    def __str__(self) -> str:
        return f"consent of {self.user} to {self.client}"


class OAuthCode(AbstractGrant):
    """An authorization code: `code` is its SHA-256, in hexadecimal. A spent one stays, to know it again."""

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


class OAuthAccessToken(AbstractAccessToken):
    """An access token of a client; `consent` is empty for machines, `user` for those of organizations.

    Only its digest is kept: `_raw_token` is hashed when a new row is saved.
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
    """A refresh token, kept like an access token; `revoked` is when it was exchanged for another one."""

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
