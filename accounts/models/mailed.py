"""Mails and mailed links."""

from typing import cast

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from access.principals import Credential, CredentialKind, Principal
from accounts.models.people import Organization, User
from config.database.rows import PublicRow
from config.profiles import Capability

DIGESTS = ("key_notices", "key_warnings")  # in these kinds of mail, `about` is the person


class Mail(models.Model):
    """A mail to send. Its text, with the token of a link, is made when it is sent.

    `ip` and `request_id` are those of the request that caused it. `about` is the primary key of the row that
    it is about, if the address does not identify the row.
    """

    kind = models.CharField(max_length=30)
    address = models.EmailField(max_length=254)
    about = models.BigIntegerField(db_default=0)
    ip = models.CharField(max_length=45, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()
    tries = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ("next_try_at", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=("kind", "about"),
                condition=Q(kind__in=DIGESTS, tries=0),
                name="one_digest_waits_for_a_person",
            ),
        )

    def __str__(self) -> str:
        return f"mail {self.pk} ({self.kind})"


class PasswordReset(models.Model):
    """The one mailed link with which a person can reset their password; `digest` is the SHA-256 of its token.

    It is valid while `email_key`, where it was sent, is the person's address.
    """

    user = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="password_reset")
    email_key = models.CharField(max_length=762)
    digest = models.BinaryField(max_length=32, unique=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"password reset of {self.user}"


class Registration(models.Model):
    """One attempt to register an address; an address may have several, with different passwords.

    `password` is hashed. `digest` is the SHA-256 of the token in this attempt's link, or null until it is
    mailed.
    """

    email = models.EmailField(max_length=254)
    email_key = models.CharField(max_length=762, db_index=True)
    name = models.CharField(max_length=100, blank=True)
    password = models.CharField(max_length=128)
    digest = models.BinaryField(max_length=32, unique=True, null=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"registration of {self.email}"


class EmailChange(models.Model):
    """The new e-mail address that a person asked for; the link mailed there confirms it.

    `digest` is the SHA-256 of the link's token, or null until the link is mailed.
    """

    user = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="email_change")
    email = models.EmailField(max_length=254)
    digest = models.BinaryField(max_length=32, unique=True, null=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"e-mail change of {self.user}"


class RecoveryLink(models.Model):
    """A link to the page on which a person, after a password reset, reviews what the reset did not end.

    `digest` is the SHA-256 of its token, or null until the link is mailed.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="recovery_links")
    digest = models.BinaryField(max_length=32, unique=True, null=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"recovery link of {self.user}"


class EmailUndo(models.Model):
    """An address that a person had before a change; the link mailed there restores it.

    `digest` is the SHA-256 of the link's token, or null until the link is mailed.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="email_undos")
    email = models.EmailField(max_length=254)
    digest = models.BinaryField(max_length=32, unique=True, null=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"old address of {self.user}"


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def manageable_by(self, principal: Principal) -> "InvitationQuerySet":
        """Invitations that the caller may manage.

        Those are invitations to the organizations that they manage, and, if they manage people, to accounts.
        """
        found = Q(organization__in=Organization.objects.manageable_by(principal))
        if principal.may(Capability.MANAGE_USERS):
            found |= Q(organization=None)
        return self.filter(found)


class Invitation(PublicRow):
    """An invitation of an e-mail address to an organization, with a role there.

    Without an organization it creates an account, and `role` is a global role. It is valid only while
    `invited_by` may grant that role. If a program sent it, `made_by` and `made_with` name the program's
    credential and its kind, and that credential must be able to grant the role. `digest` is the SHA-256 of
    the token in the newest link, or null until the link is mailed.
    """

    organization = models.ForeignKey(
        Organization, models.CASCADE, related_name="invitations", null=True, verbose_name=_("organization")
    )
    email = models.EmailField(_("e-mail address"), max_length=254)
    email_key = models.CharField(max_length=762, editable=False)
    role = models.CharField(_("role"), max_length=64)
    invited_by = models.ForeignKey(
        User, models.CASCADE, related_name="invitations", verbose_name=_("invited by")
    )
    made_with = models.CharField(max_length=10, blank=True, editable=False)
    made_by = models.UUIDField(null=True, editable=False)
    digest = models.BinaryField(max_length=32, unique=True, null=True, editable=False)
    created_at = models.DateTimeField(editable=False)
    expires_at = models.DateTimeField(editable=False)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(fields=["organization", "email_key"], name="one_invitation_per_address"),
            models.UniqueConstraint(
                fields=["email_key"],
                condition=Q(organization__isnull=True),
                name="one_invitation_to_an_account",
            ),
            models.CheckConstraint(
                condition=Q(made_with="") ^ Q(made_by__isnull=False), name="invitation_names_its_program"
            ),
        )

    def __str__(self) -> str:
        return f"{self.email} to {self.organization}" if self.organization else self.email

    @property
    def credential(self) -> Credential | None:
        """The credential of the program that sent it; None if a person sent it."""
        return Credential(cast(CredentialKind, self.made_with), str(self.made_by)) if self.made_by else None
