"""Filters of the admin's list of people."""

from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from access.backoffice.filters import Options, WordsFilter
from access.callers import principal_in
from accounts.models import User
from config import profiles


class RoleFilter(WordsFilter):
    title, parameter_name = _("role"), "role"
    level = "global"

    def options(self, request: HttpRequest) -> Options:
        return {name: (name, Q(role=name)) for name in profiles.active().roles_of_level(self.level)}


class OrganizationRoleFilter(RoleFilter):
    level = "organization"


class SecondFactorFilter(WordsFilter):
    title = _("second factor")
    parameter_name = "second_factor"

    def options(self, request: HttpRequest) -> Options:
        principal = principal_in(request)
        lacking = User.objects.visible_to(principal).managing_keys(principal).without_second_factor()
        has_one = Q(second_factor__confirmed=True)
        return {
            "yes": (gettext("yes"), has_one),
            "no": (gettext("no"), ~has_one),
            "required": (gettext("no, and must have one"), Q(must_have_second_factor=True) & ~has_one),
            "wanted": (gettext("no, and manages keys"), Q(pk__in=lacking.values("pk"))),
        }
