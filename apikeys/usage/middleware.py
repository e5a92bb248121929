"""Counts requests to our own endpoints by their outcome."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from access.callers import credential_of
from access.permissions import NEEDED_SCOPES
from access.principals import Credential
from apikeys.models import Outcome
from apikeys.usage import counting
from audit.actors import Origin
from config import metrics
from config.wire.http.heads import CREDENTIAL


class KeyUseMiddleware:
    """Count every request, and a request with a valid key as a use of the key: refused if it answers 403."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        request.META[CREDENTIAL] = credential = credential_of(request)
        kind = credential.kind if isinstance(credential, Credential) else "none"
        metrics.REQUESTS.count(kind, str(response.status_code))
        if isinstance(credential, Credential):
            origin = Origin.of(request)
            if response.status_code == 403:
                counting.record_use(credential.number, origin, Outcome.SCOPE)
            else:
                counting.record_use(credential.number, origin, scopes=request.META.get(NEEDED_SCOPES, ()))
        return response
