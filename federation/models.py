"""The identity providers of organizations, what they may assert, and whom they know."""

from django.db import models
from django.db.models import Q

from accounts.models import Organization, Session, User
from config.database.rows import PublicRow


class Provider(models.Model):
    """The OpenID Connect provider of an organization. `secret` is encrypted; "" for a public client.

    ID tokens count only with the signature algorithm `algorithm`. Rules read the claim `role_claim`. A login
    counts as one with a second factor if its `acr` or one of its `amr` is trusted. `tested_at` is when
    somebody first logged in with these settings.
    """

    organization = models.OneToOneField(Organization, models.CASCADE, related_name="identity_provider")
    issuer = models.CharField(max_length=500)
    client_id = models.CharField(max_length=255)
    secret = models.TextField(blank=True)
    algorithm = models.CharField(max_length=10)
    role_claim = models.CharField(max_length=100, blank=True)
    trusted_acr = models.JSONField(default=list)
    trusted_amr = models.JSONField(default=list)
    created_at = models.DateTimeField()
    tested_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.issuer} of {self.organization}"


class Domain(PublicRow):
    """A domain of e-mail addresses that an organization claims, in A-labels, and has proven at `proven_at`.

    `token` is the text that its DNS record must contain. It is no secret.
    """

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="domains")
    name = models.CharField(max_length=253)
    token = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    proven_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(fields=["organization", "name"], name="one_claim_of_a_domain"),
            models.UniqueConstraint(
                fields=["name"], condition=Q(proven_at__isnull=False), name="one_owner_of_a_domain"
            ),
        )

    def __str__(self) -> str:
        return self.name


class RoleRule(PublicRow):
    """A rule: people with `value` in the claim get a role in the organization; "" means everybody.

    Of the rules that apply, the first counts. One whose writer may not give its role now gives nothing.
    """

    provider = models.ForeignKey(Provider, models.CASCADE, related_name="rules")
    value = models.CharField(max_length=200, blank=True)
    role = models.CharField(max_length=64)
    position = models.IntegerField()
    written_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ("position", "pk")
        constraints = (
            models.UniqueConstraint(fields=["provider", "value"], name="one_rule_for_a_value_of_a_claim"),
        )

    def __str__(self) -> str:
        return f"{self.value or 'everybody'}: {self.role}"


class Identity(models.Model):
    """A person as an issuer knows them, and their account. Never found by an address."""

    issuer = models.CharField(max_length=500)
    subject = models.CharField(max_length=255)
    user = models.ForeignKey(User, models.CASCADE, related_name="identities")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "identities"
        constraints = (
            models.UniqueConstraint(fields=["issuer", "subject"], name="one_account_of_an_identity"),
        )

    def __str__(self) -> str:
        return f"{self.subject} at {self.issuer}"


class Grant(models.Model):
    """The encrypted refresh token with which a provider is asked if it still knows the person of a login.

    `asked_at` is when it was last asked, `answered_at` when it last said yes.
    """

    session = models.OneToOneField(Session, models.CASCADE, related_name="grant")
    refresh_token = models.TextField()
    asked_at = models.DateTimeField()
    answered_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"grant of the {self.session}"


class Logout(models.Model):
    """A logout at the provider, kept while a login may be under way. A newer one has a higher id.

    `subject` and `sid` are those of the logout token; "" for what it did not say. Times are Unix seconds.
    """

    provider = models.ForeignKey(Provider, models.CASCADE, related_name="logouts")
    subject = models.CharField(max_length=255, blank=True)
    sid = models.CharField(max_length=255, blank=True)
    ends_at = models.BigIntegerField(db_index=True)

    def __str__(self) -> str:
        return f"logout of {self.subject or self.sid} at {self.provider_id}"


class Standing(models.Model):
    """What an organization's provider last said of a person. `role` is the role that its rules gave, or "".

    If a member has another role, somebody gave it by hand, and the member keeps it.
    """

    provider = models.ForeignKey(Provider, models.CASCADE, related_name="standings")
    identity = models.ForeignKey(Identity, models.CASCADE, related_name="standings")
    role = models.CharField(max_length=64, blank=True)
    logged_in_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["provider", "identity"], name="one_standing_of_an_identity"),
        )

    def __str__(self) -> str:
        return f"{self.identity}: {self.role or 'no role'}"
