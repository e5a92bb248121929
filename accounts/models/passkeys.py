"""Passkeys (WebAuthn), and the challenges that they have answered."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.people import User
from accounts.models.second_factor import SecondFactor
from config.database.rows import PublicRow


class Passkey(PublicRow):
    """A passkey of a person: on one device, or copied to several by its provider (`backed_up`).

    It works only at the host `rp_id`. `public_key` is a COSE key (RFC 9052), `sign_count` the highest counter
    of signatures that the authenticator has sent; those that do not count send 0.
    """

    second_factor = models.ForeignKey(SecondFactor, models.CASCADE, related_name="passkeys")
    name = models.CharField(_("name"), max_length=100)
    rp_id = models.CharField(_("works at"), max_length=253, db_index=True)
    credential_id = models.BinaryField(max_length=1023, unique=True)
    public_key = models.BinaryField(max_length=2048)
    sign_count = models.BigIntegerField()
    transports = models.CharField(max_length=100, blank=True)  # words, for the browser
    backup_eligible = models.BooleanField()
    backed_up = models.BooleanField()
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-pk",)
        verbose_name = _("passkey")
        verbose_name_plural = _("passkeys")

    def __str__(self) -> str:
        return self.name

    @property
    def user(self) -> User:
        """The person whose passkey it is."""
        owner: User = self.second_factor.user
        return owner


class SpentChallenge(models.Model):
    """The SHA-256 of a challenge that a passkey has answered; nobody can answer it again before `ends_at`.

    `ends_at` (Unix seconds) is when the challenge expires.
    """

    digest = models.BinaryField(max_length=32, primary_key=True)
    ends_at = models.BigIntegerField(db_index=True)

    def __str__(self) -> str:
        return f"challenge until {self.ends_at}"
