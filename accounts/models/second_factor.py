"""Second factors: authenticator apps and passkeys, and recovery codes for people who lose theirs."""

from django.db import models
from django_otp.models import Device, TimestampMixin

from accounts.models.people import User


class SecondFactor(TimestampMixin, Device):
    """The second factor of a person: an authenticator app, `passkeys`, or both. It counts once `confirmed`.

    `seed` is that of the app, encrypted (accounts.second_factor.seed_encryption), or "" without one. The app
    counts once it has a time in `confirmed_at`. `last_step` is the newest time step whose code was used;
    codes of that step and of earlier ones are refused (RFC 6238 section 5.2). `new_seed` is that of an app
    that will replace this one once it is confirmed, encrypted as well, or "" without one.
    """

    user = models.OneToOneField(User, models.CASCADE, related_name="second_factor")
    name = None  # type: ignore[assignment]  # None removes the inherited column
    confirmed = models.BooleanField(default=False)
    confirmed_at = models.DateTimeField(null=True)
    seed = models.CharField(max_length=255)
    last_step = models.BigIntegerField(default=0)
    new_seed = models.CharField(max_length=255, blank=True, default="", db_default="", editable=False)

    def __str__(self) -> str:
        return f"second factor of {self.user}"

    @property
    def has_app(self) -> bool:
        """Whether an authenticator app is in force."""
        return bool(self.seed) and self.confirmed_at is not None


class RecoveryCode(models.Model):
    """A code that replaces a code from the app once; its use deletes the row."""

    user = models.ForeignKey(User, models.CASCADE, related_name="recovery_codes")
    digest = models.BinaryField(max_length=32, unique=True)
    pepper = models.PositiveSmallIntegerField(null=True)  # null: older than the numbering of peppers
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"recovery code of {self.user}"


class SecondFactorRecovery(models.Model):
    """A waiting period, after which an authenticator app that its owner has lost is removed.

    Nobody can log in to the account meanwhile.
    """

    device = models.OneToOneField(SecondFactor, models.CASCADE, primary_key=True, related_name="recovery")
    started_at = models.DateTimeField()
    ends_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"removal of the {self.device}"
