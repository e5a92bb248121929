"""POST /gateway/report: a service says what a request used, after it was let through."""

from collections.abc import Collection
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access.callers import caller_of
from access.permissions import Needs
from apikeys.quotas.reports import MOST_REPORTED, report_use
from config.profiles import Capability
from config.wire import requests
from config.wire.fields import TextField, WholeNumberField
from config.wire.members import RequestForm
from config.wire.parsers import StrictJSONParser


class UseReportRequest(RequestForm):
    id = TextField(max_length=255, help_text="yours; a report with an id that was sent before counts nothing")
    credential = TextField(max_length=255, help_text="what the gateway said in X-Auth-Credential")
    units = WholeNumberField(min_value=1, max_value=MOST_REPORTED)

    def takes(self, known: Collection[str], name: str) -> bool:
        return name in known


class UseReported(serializers.Serializer[Any]):
    counted = serializers.BooleanField(help_text="false if a report with this id was counted before")


class ReportView(APIView):
    """Count units of the quotas of a key, and of its organization."""

    parser_classes = (StrictJSONParser,)
    renderer_classes = (JSONRenderer,)
    needs: ClassVar[Needs] = {"post": frozenset({Capability.REPORT_USE})}

    @extend_schema(operation_id="report_use", request=UseReportRequest, responses=UseReported)
    def post(self, request: Request) -> Response:
        sent = requests.parse_body(UseReportRequest, request)
        counted = report_use(
            caller=caller_of(request),
            report=sent["id"],
            credential=sent["credential"],
            units=sent["units"],
        )
        return Response(UseReported({"counted": counted}).data)
