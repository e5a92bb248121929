"""What people have beside their password: an authenticator app, and recovery codes in case it is lost."""

from django.db import models
from django_otp.models import Device, TimestampMixin

from accounts.models.people import User


class SecondFactor(TimestampMixin, Device):
    """The one authenticator app of a person; in force once `confirmed`, since `confirmed_at`.

    `seed` is encrypted (accounts.second_factor.seed_encryption). `last_step` is the newest time step of which
    a code was spent: a code is good once, and never again one from before it (RFC 6238 section 5.2).
    """

    user = models.OneToOneField(User, models.CASCADE, related_name="second_factor")
    name = None  # type: ignore[assignment]  # Django: without the inherited column
    confirmed = models.BooleanField(default=False)
    confirmed_at = models.DateTimeField(null=True)
    seed = models.CharField(max_length=255)
    last_step = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"second factor of {self.user}"


class RecoveryCode(models.Model):
    """A code that stands in for the authenticator app once: using it deletes the row."""

    user = models.ForeignKey(User, models.CASCADE, related_name="recovery_codes")
    digest = models.BinaryField(max_length=32, unique=True)
    pepper = models.PositiveSmallIntegerField(null=True)  # none: from before they were numbered
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"recovery code of {self.user}"


class SecondFactorRecovery(models.Model):
    """A wait at whose end an authenticator app, which its owner cannot show, is removed.

    Nobody logs in to the account meanwhile.
    """

    device = models.OneToOneField(SecondFactor, models.CASCADE, primary_key=True, related_name="recovery")
    started_at = models.DateTimeField()
    ends_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"removal of the {self.device}"
