"""Organizations in the admin, with the number of their usable keys and the quota of their keys."""

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access.backoffice.paginator import count_up_to, shown_count
from access.callers import caller_in_admin, principal_in
from accounts.models import Organization
from accounts.organizations.admin import OrganizationAdmin
from apikeys import predicates
from apikeys.admin.quota_form import OrganizationWithQuotaForm, QuotaFields
from apikeys.models import ApiKey
from apikeys.quotas.periods import day_of
from apikeys.quotas.services import change_organization_quota
from apikeys.quotas.words import left_of


@admin.register(Organization)
class OrganizationWithKeysAdmin(OrganizationAdmin):
    form = OrganizationWithQuotaForm
    readonly_fields = (*OrganizationAdmin.readonly_fields, "quota_left")
    optional = frozenset({"quota_left"})
    list_display = (*OrganizationAdmin.list_display[:2], "usable_keys", *OrganizationAdmin.list_display[2:])

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organization]:
        seen = ApiKey.objects.visible_to(principal_in(request)).filter(predicates.usable(timezone.now()))
        keys = count_up_to(seen.filter(organization=OuterRef("pk")))
        return super().get_queryset(request).annotate(counted_keys=keys)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return Django's fields, without those of the quota for people who may only see the row."""
        fields = super().get_fields(request, obj)
        if self.has_change_permission(request, obj):
            return fields
        return [name for name in fields if name not in QuotaFields.base_fields]

    def save_model(self, request: HttpRequest, obj: Organization, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if changes := form.quota_changes():
            change_organization_quota(caller=caller_in_admin(request), organization=obj, changes=changes)

    @admin.display(description=_("quota of the keys"))
    def quota_left(self, organization: Organization) -> str:
        return left_of(organization, day_of(timezone.now()))

    @admin.display(description=_("usable keys"))
    def usable_keys(self, organization: Any) -> str:
        return str(shown_count(organization.counted_keys))
