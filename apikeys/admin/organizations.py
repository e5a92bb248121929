"""Organizations in the admin, with the number of their usable keys."""

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access.backoffice.paginator import count_up_to, shown_count
from access.callers import principal_in
from accounts.models import Organization
from accounts.organizations.admin import OrganizationAdmin
from apikeys import predicates
from apikeys.models import ApiKey


@admin.register(Organization)
class OrganizationWithKeysAdmin(OrganizationAdmin):
    list_display = (*OrganizationAdmin.list_display[:2], "usable_keys", *OrganizationAdmin.list_display[2:])

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organization]:
        seen = ApiKey.objects.visible_to(principal_in(request)).filter(predicates.usable(timezone.now()))
        keys = count_up_to(seen.filter(organization=OuterRef("pk")))
        return super().get_queryset(request).annotate(counted_keys=keys)

    @admin.display(description=_("usable keys"))
    def usable_keys(self, organization: Any) -> str:
        return str(shown_count(organization.counted_keys))
