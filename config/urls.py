"""Every address of Keyhouse. The product's API is under the profile's base path."""

from django.contrib import admin
from django.urls import include, path
from django.utils.module_loading import autodiscover_modules
from django.views.generic import RedirectView

from accounts.mail import link_pages
from accounts.monitoring import metrics_page
from accounts.notifications.page import UnsubscribePage
from accounts.passwords.change_page import ChangePasswordPage
from apikeys.review.page import RecoveryPage
from config import health, profiles
from config.apps import load_admin
from config.wire.openapi import pages as openapi_pages
from console.home import RootPage
from oauth.urls import keys, well_known

load_admin()
autodiscover_modules("openapi")  # each registers with the OpenAPI generator

BASE = profiles.active().base_path.lstrip("/")

api = [
    path("", include("accounts.urls")),
    path("", include("apikeys.urls")),
    path("", include("access.audit_log.urls")),
    path("", include("gateway.oauth2_urls")),
]
if not profiles.active().is_upstream("webhooks"):
    api.append(path("", include("webhooks.urls")))
if profiles.active().oauth2 is not None:
    api.append(path("auth/oauth2/", include("oauth.urls")))

urlpatterns = [
    path(f"{BASE}/" if BASE else "", include(api)),  # first, because it gets most requests
    path("health", health.health, name="health"),
    path("ready", health.ready, name="ready"),
    path("metrics", metrics_page, name="metrics"),
    path("schema", openapi_pages.SchemaView.as_view(), name="schema"),
    path("docs", openapi_pages.DocsView.as_view(), name="docs"),
    path("", RootPage.as_view(), name="root"),
    path("account", RedirectView.as_view(url="/account/")),
    path("account/", include("console.urls")),
    path("admin", RedirectView.as_view(url="/admin/")),
    path("admin/", admin.site.urls),
    path("gateway/", include("gateway.urls")),
    path("reset-password", link_pages.ResetPasswordPage.as_view(), name="reset-password-page"),
    path("change-password", ChangePasswordPage.as_view(), name="change-password-page"),
    path(".well-known/change-password", RedirectView.as_view(url="/change-password")),
    path("recovery", RecoveryPage.as_view(), name="recovery-page"),
    path("confirm-email", link_pages.ConfirmEmailPage.as_view(), name="confirm-email-page"),
    path("undo-email-change", link_pages.UndoEmailChangePage.as_view(), name="undo-email-change-page"),
    path("unsubscribe", UnsubscribePage.as_view(), name="unsubscribe-page"),
    path("accept-invitation", link_pages.AcceptInvitationPage.as_view(), name="accept-invitation-page"),
]

if profiles.active().leaks is not None:
    urlpatterns.append(path("", include("leaks.urls")))
if profiles.active().oauth2 is not None:
    from console.devices import DevicePage

    urlpatterns.append(path("device", DevicePage.as_view(), name="device-page"))
    urlpatterns.append(path(".well-known/", include(well_known)))
if profiles.active().signing_algorithms:
    urlpatterns.append(path(".well-known/", include(keys)))

handler400 = "config.wire.problems.bad_request"
handler403 = "config.wire.problems.permission_denied"
handler404 = "config.wire.problems.page_not_found"
handler500 = "config.wire.problems.server_error"
