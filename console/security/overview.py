"""/account/security: what protects the account, with a link to the page of each change."""

from django.http import HttpRequest, HttpResponse

from accounts.models import RecoveryCode, SecondFactor
from accounts.second_factor.totp import RECOVERY_CODES
from console.base import ConsolePage


class SecurityPage(ConsolePage):
    """The state of the person's password, authenticator app and recovery codes."""

    http_method_names = ["get", "head"]
    section = "security"

    def get(self, request: HttpRequest) -> HttpResponse:
        device = SecondFactor.objects.filter(user=self.person).first()
        left = RecoveryCode.objects.filter(user=self.person).count()
        return self.page("security/overview.html", device=device, left=left, made=RECOVERY_CODES)
