"""Describes the Idempotency-Key in the OpenAPI document."""

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from accounts.idempotency.requests import BARE, HEADER, LONGEST, QUOTED
from config.wire.openapi.schema import PROBLEM_REFERENCE
from config.wire.problems import MEDIA_TYPE

PARAMETERS = [
    OpenApiParameter(
        HEADER,
        {
            "type": "string",
            "pattern": f"^({QUOTED.pattern}|{BARE.pattern})$",
            "minLength": 1,
            "maxLength": LONGEST,
        },
        OpenApiParameter.HEADER,
        description="A text of your choice, such as a UUID. If you send the request again with the same key "
        "within 24 hours, it creates nothing: the response shows what the first request created.",
    ),
    OpenApiParameter(
        "Idempotent-Replayed",
        {"type": "string", "enum": ["true"]},
        OpenApiParameter.HEADER,
        description="An earlier request with this Idempotency-Key created the resource.",
        response=[200, 201],
    ),
]


def _problem(description: str) -> OpenApiResponse:
    return OpenApiResponse(PROBLEM_REFERENCE, description)


REFUSALS = {
    (409, MEDIA_TYPE): _problem(
        "A value is taken, the state does not allow this, or the first request with this Idempotency-Key is "
        "still running"
    ),
    (410, MEDIA_TYPE): _problem("What the first request with this Idempotency-Key created no longer exists"),
    (422, MEDIA_TYPE): _problem("The first request with this Idempotency-Key sent other members"),
}
