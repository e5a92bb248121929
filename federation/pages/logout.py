"""Where a provider says that a person logged out there (OpenID Connect Back-Channel Logout 1.0)."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from audit.actors import Origin
from config.wire.errors import Busy, DomainError, TooManyAttempts
from config.wire.problems import headers_of
from federation.protocol.faults import ProviderFault
from federation.services.logging_out import log_out_by_provider

RETRY_SECONDS = 10  # the provider's documents are fetched again then


@method_decorator(csrf_exempt, name="dispatch")
class ProviderLogout(View):
    """Ends the sessions that a signed `logout_token` names. The provider posts it itself, without cookies."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        """Answer 200, or the error form of OAuth2 (section 2.8): 400, or 429 or 503 to be asked again."""
        token, answer = request.POST.get("logout_token", ""), HttpResponse()
        try:
            log_out_by_provider(logout_token=token, origin=Origin.of(request))
        except ProviderFault as error:
            answer = _refused(Busy(error.detail, RETRY_SECONDS))
        except DomainError as error:
            answer = _refused(error)
        answer.headers["Cache-Control"] = "no-store"
        return answer


def _refused(error: DomainError) -> HttpResponse:
    status = error.status if isinstance(error, Busy | TooManyAttempts) else 400
    said = {"error": "invalid_request", "error_description": error.detail}
    return JsonResponse(said, status=status, headers=headers_of(error))
