"""People, organizations and memberships."""

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from access.principals import Principal
from accounts.notifications.kinds import every_choice
from accounts.users.names import fold, fold_email
from config import profiles
from config.database.rows import EditedRow, PublicRow
from config.profiles import Capability

LEVELS = ("global", "organization")
BINDING = Q(organization__requires_provider=True, keeps_own_login=False)  # of a membership
MOST_FOUND = 100  # the most people or organizations that a search matches


class UserQuerySet(models.QuerySet["User"]):
    def visible_to(self, principal: Principal) -> "UserQuerySet":
        """People whom the caller may see: all, or the members of some organizations."""
        reach = principal.reach(Capability.READ_USERS)
        if reach.everywhere:
            return self
        members = Membership.objects.filter(organization_id__in=reach.organizations)
        return self.filter(pk__in=members.values("user_id"))

    def matching(self, text: str) -> "UserQuerySet":
        """People with `text` in their user name, e-mail address or name, whatever its case."""
        return self.filter(
            Q(username_key__contains=fold(text))
            | Q(email_key__contains=fold_email(text))
            | Q(name__icontains=text)
        )

    def beginning(self, text: str, most: int = MOST_FOUND) -> list[int]:
        """Return the primary keys of people whose user name or e-mail address begins with `text`.

        Two index look-ups find them, at most `most` each, so the cost does not grow with the table.
        """
        named = self.order_by().values_list("pk", flat=True)
        by_name = named.filter(username_key__startswith=fold(text))[:most]
        return [*by_name, *named.filter(email_key__startswith=fold_email(text))[:most]]

    def managing_keys(self, principal: Principal) -> "UserQuerySet":
        """People who may manage others' keys, judged by the roles that the caller may see."""
        profile, reach = profiles.active(), principal.reach(Capability.READ_USERS)
        everywhere, inside = (profile.roles_with(Capability.MANAGE_KEYS, level) for level in LEVELS)
        members = Membership.objects.filter(role__in=inside)
        if not reach.everywhere:
            members = members.filter(organization_id__in=reach.organizations)
        manages = Q(role__in=everywhere) | Q(is_superuser=True) | Q(pk__in=members.values("user_id"))
        return self.filter(manages, is_active=True)

    def without_second_factor(self) -> "UserQuerySet":
        """People who log in with their password alone."""
        return self.exclude(second_factor__confirmed=True)

    def bound_to_providers(self) -> "UserQuerySet":
        """People whose organizations all require their identity providers, and who elsewhere are newcomers.

        A login with a provider gives them everything that they have.
        """
        profile = profiles.active()
        newcomer = profile.power_of_role(profile.login.newcomer_role, "global")
        above = [
            name
            for name in profile.roles_of_level("global")
            if not profile.power_of_role(name, "global") <= newcomer
        ]
        own = Membership.objects.filter(user=OuterRef("pk"))
        return self.filter(Exists(own.filter(BINDING)), ~Exists(own.exclude(BINDING))).exclude(
            Q(is_superuser=True) | Q(role__in=above)
        )


class UserManager(BaseUserManager["User"]):
    def get_queryset(self) -> UserQuerySet:
        return UserQuerySet(self.model, using=self._db)

    def visible_to(self, principal: Principal) -> UserQuerySet:
        return self.get_queryset().visible_to(principal)

    def beginning(self, text: str) -> list[int]:
        return self.get_queryset().beginning(text)

    def bound_to_providers(self) -> UserQuerySet:
        return self.get_queryset().bound_to_providers()

    def get_by_natural_key(self, identifier: str | None) -> "User":
        """The user with this e-mail address, whatever its case. Raises User.DoesNotExist."""
        return self.get(email_key=fold_email(identifier or ""))


class User(PublicRow, EditedRow, AbstractBaseUser):
    """A person. `username_key` and `email_key` are the folded forms, which are unique.

    `email_verified` says whether the person has used a link that we mailed to the address.
    Pages have the person's `language`, or that of the browser if it is empty, and the `time_zone`, or UTC.
    `notifications` are the kinds of mails about API keys that the person wants.
    If `must_have_second_factor` is set, their roles apply only after a login with one.
    """

    username = models.CharField(_("user name"), max_length=150, null=True, blank=True)
    username_key = models.CharField(max_length=450, unique=True, null=True, editable=False)
    email = models.EmailField(_("e-mail address"), max_length=254)
    email_verified = models.BooleanField(_("e-mail address verified"), default=False, editable=False)
    email_key = models.CharField(
        _("user name or e-mail address"), max_length=762, unique=True, editable=False
    )
    name = models.CharField(_("full name"), max_length=100, blank=True)
    language = models.CharField(_("language"), max_length=16, blank=True, default="", db_default="")
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True, default="", db_default="")
    notifications = models.JSONField(
        default=every_choice,
        db_default=Value(every_choice(), models.JSONField()),
    )
    role = models.CharField(_("role"), max_length=64)
    is_active = models.BooleanField(_("active"), default=True)
    is_superuser = models.BooleanField(_("superuser"), default=False)
    must_have_second_factor = models.BooleanField(_("must have a second factor"), default=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_login_at = models.DateTimeField(null=True, editable=False)
    sessions_ended_at = models.DateTimeField(null=True, editable=False)
    last_login = None  # ours is last_login_at

    objects = UserManager()

    USERNAME_FIELD = "email_key"
    EMAIL_FIELD = "email"

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        ordering = ("-pk",)

    def __str__(self) -> str:
        return self.username or self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.username_key = fold(self.username) if self.username else None
        self.email_key = fold_email(self.email)
        super().save(*args, **kwargs)

    @property
    def login_name(self) -> str:
        """What the person types to log in: the user name, if the profile accepts one, else the address."""
        takes_names = "username" in profiles.active().login.identifiers
        return (takes_names and self.username) or self.email

    # Django's admin requires these. The capabilities of each ModelAdmin decide what the admin shows.

    def get_short_name(self) -> str:
        return str(self)

    @property
    def is_staff(self) -> bool:
        return self.is_active

    def has_perm(self, perm: str, obj: object = None) -> bool:
        return self.is_active and self.is_superuser

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_active


class OrganizationQuerySet(models.QuerySet["Organization"]):
    def visible_to(self, principal: Principal) -> "OrganizationQuerySet":
        """Organizations that the caller may see, with their members."""
        reach = principal.reach(Capability.READ_ORGANIZATIONS)
        return self if reach.everywhere else self.filter(pk__in=reach.organizations)

    def manageable_by(self, principal: Principal) -> "OrganizationQuerySet":
        """Organizations that the caller may manage."""
        reach = principal.reach(Capability.MANAGE_ORGANIZATIONS)
        return self if reach.everywhere else self.filter(pk__in=reach.organizations)

    def beginning(self, text: str, most: int = MOST_FOUND) -> list[int]:
        """Return the primary keys of organizations whose name begins with `text`, at most `most` of them."""
        named = self.filter(name_key__startswith=fold(text)).order_by()
        return list(named.values_list("pk", flat=True)[:most])

    def matching(self, text: str) -> "OrganizationQuerySet":
        """Organizations with `text` in their name, whatever its case."""
        return self.filter(name_key__contains=fold(text))


class Organization(PublicRow, EditedRow):
    """A tenant: people are its members, and keys can belong to it.

    If `requires_second_factor` is set, roles in it apply only after a login with a second factor. If
    `requires_provider` is set, they apply only after a login with the organization's identity provider.
    """

    name = models.CharField(_("name"), max_length=100)
    name_key = models.CharField(max_length=300, unique=True, editable=False)
    requires_second_factor = models.BooleanField(_("requires second factor"), default=False)
    requires_provider = models.BooleanField(default=False, db_default=False, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    members: "models.ManyToManyField[User, Membership]" = models.ManyToManyField(
        User, through="Membership", related_name="organizations"
    )

    objects = OrganizationQuerySet.as_manager()

    class Meta:
        verbose_name = _("organization")
        verbose_name_plural = _("organizations")
        ordering = ("-pk",)

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.name_key = fold(self.name)
        super().save(*args, **kwargs)


class Membership(EditedRow):
    """A person's role in one organization, since `joined_at`; None if they joined before that was stored.

    `keeps_own_login` excepts the member if the organization requires its identity provider.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships", verbose_name=_("user"))
    organization = models.ForeignKey(
        Organization, models.CASCADE, related_name="memberships", verbose_name=_("organization")
    )
    role = models.CharField(_("role"), max_length=64)
    joined_at = models.DateTimeField(null=True, editable=False)
    keeps_own_login = models.BooleanField(default=False, db_default=False, editable=False)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = (
            models.UniqueConstraint(fields=["user", "organization"], name="one_membership_per_organization"),
        )

    def __str__(self) -> str:
        return f"{self.user} in {self.organization}"
