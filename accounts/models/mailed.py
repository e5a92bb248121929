"""Mails, and the links that were mailed."""

from typing import cast

from django.db import models
from django.db.models import Q

from access.principals import Credential, CredentialKind, Principal
from accounts.models.people import Organization, User
from config.database.rows import PublicRow
from config.profiles import Capability


class Mail(models.Model):
    """A mail that is to be sent. What it says, a link's token too, is made when it is sent.

    `ip` and `request_id` are those of the request that it is about; `about` is the number of a row,
    where the address does not say which.
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

    def __str__(self) -> str:
        return f"mail {self.pk} ({self.kind})"


class PasswordReset(models.Model):
    """The one mailed link that can give a person a new password; `digest` is the SHA-256 of its token.

    It is good as long as `email_key`, where it was sent, is the person's address.
    """

    user = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="password_reset")
    email_key = models.CharField(max_length=762)
    digest = models.BinaryField(max_length=32, unique=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"password reset of {self.user}"


class Registration(models.Model):
    """One attempt of somebody to register an address; an address may have several, with different passwords.

    `password` is hashed; `digest` is the SHA-256 of the token in the attempt's own link, once it was mailed.
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
    """The one e-mail address that a person wants in place of theirs; the link mailed there proves it.

    `digest` is the SHA-256 of the link's token, once it was mailed.
    """

    user = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="email_change")
    email = models.EmailField(max_length=254)
    digest = models.BinaryField(max_length=32, unique=True, null=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"e-mail change of {self.user}"


class RecoveryLink(models.Model):
    """A link to the page on which a person, whose password was just reset, reviews what outlives that.

    `digest` is the SHA-256 of its token; empty until the link is mailed.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="recovery_links")
    digest = models.BinaryField(max_length=32, unique=True, null=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"recovery link of {self.user}"


class EmailUndo(models.Model):
    """An address that a person had before a change; the link mailed there gives it back.

    `digest` is the SHA-256 of the link's token; empty until the link is mailed.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="email_undos")
    email = models.EmailField(max_length=254)
    digest = models.BinaryField(max_length=32, unique=True, null=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"old address of {self.user}"


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def manageable_by(self, principal: Principal) -> "InvitationQuerySet":
        """Invitations to organizations that the caller may manage, and to none if they manage people."""
        found = Q(organization__in=Organization.objects.manageable_by(principal))
        if principal.may(Capability.MANAGE_USERS):
            found |= Q(organization=None)
        return self.filter(found)


class Invitation(PublicRow):
    """Whoever has the address may become a member of the organization, with this role.

    Without an organization they get an account, and `role` is a global one. It is as good as the right of
    `invited_by` to give that role; of one that a program sent, as that of the program with the credential
    `made_by`, of the kind `made_with`. `digest` is the SHA-256 of the token of the last link, once that was
    mailed.
    """

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="invitations", null=True)
    email = models.EmailField("e-mail address", max_length=254)
    email_key = models.CharField(max_length=762, editable=False)
    role = models.CharField(max_length=64)
    invited_by = models.ForeignKey(User, models.CASCADE, related_name="invitations")
    made_with = models.CharField(max_length=10, blank=True, editable=False)
    made_by = models.UUIDField(null=True, editable=False)
    digest = models.BinaryField(max_length=32, unique=True, null=True, editable=False)
    created_at = models.DateTimeField(editable=False)
    expires_at = models.DateTimeField(editable=False)

    objects = InvitationQuerySet.as_manager()

    class Meta:
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
        """The credential of the program that sent it, None if a person did."""
        return Credential(cast(CredentialKind, self.made_with), str(self.made_by)) if self.made_by else None
