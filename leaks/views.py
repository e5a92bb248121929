"""The endpoints that take reports of leaked keys, and the document for secret scanners."""

from django.conf import settings
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.mail.serializers import Message
from audit.actors import Origin
from config import profiles
from config.wire import requests
from config.wire.views import PublicView
from leaks import serializers
from leaks.github.signatures import IDENTIFIER, LONGEST, SIGNATURE
from leaks.scanning.rules import WRITERS, published, rules_of
from leaks.services.github_reports import SignedReport, take_github_report
from leaks.services.reports import report_leaks

TAKEN = "Thank you. Every text that is a key stops working in a few seconds."
CACHED = {"Cache-Control": "public, max-age=3600", "Access-Control-Allow-Origin": "*"}
HEADER = {"type": "string", "minLength": 1, "maxLength": LONGEST}
SIGNED = [
    OpenApiParameter(name, HEADER, OpenApiParameter.HEADER, required=True) for name in (IDENTIFIER, SIGNATURE)
]


class LeaksView(PublicView):
    """Report texts that may be keys. The answer is the same for all texts."""

    resource = "leak_report"

    @extend_schema(
        request=serializers.LeakReportRequest, responses={202: Message}, operation_id="report_leaks"
    )
    def post(self, request: Request) -> Response:
        sent = requests.parse_body(serializers.LeakReportRequest, request)
        report_leaks(**sent, origin=Origin.of(request._request))
        return Response(Message({"message": TAKEN}).data, status=status.HTTP_202_ACCEPTED)


class GithubLeaksView(PublicView):
    """Take a report of GitHub's secret scanning. It is signed."""

    renderer_classes = (JSONRenderer,)

    @extend_schema(
        request=serializers.GithubMatch(many=True),
        responses=serializers.GithubVerdict(many=True),
        parameters=SIGNED,
        operation_id="report_leaks_by_github",
    )
    def post(self, request: Request) -> Response:
        headers = request.headers
        report = SignedReport(request._request.body, headers.get(IDENTIFIER, ""), headers.get(SIGNATURE, ""))
        verdicts = take_github_report(report=report, origin=Origin.of(request._request))
        return Response([verdict._asdict() for verdict in verdicts])


class ScannerView(PublicView):
    """Describe keys to secret scanners, and give them rules."""

    renderer_classes = (JSONRenderer,)

    @extend_schema(responses=serializers.ScannerDocument, operation_id="scanner_rules")
    def get(self, request: Request) -> Response:
        profile = profiles.active()
        formats = profile.keys.environments
        rules = rules_of(profile.product.name, formats)
        document = {
            "product": profile.product.name,
            "report_url": f"{settings.PUBLIC_URL}{reverse('leaks')}",
            "formats": [form._asdict() for form in published(formats)],
            "rules": {scanner: write(rules) for scanner, write in WRITERS.items()},
        }
        return Response(document, headers=CACHED)
