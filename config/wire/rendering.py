"""Renders responses: always as JSON, in the profile's envelope if it has one."""

from collections.abc import Iterable
from typing import Any

from rest_framework import renderers
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from config import profiles


class WireRenderer(renderers.JSONRenderer):
    """Renders JSON, in the profile's envelope if it has one. Errors have no envelope."""

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        envelope = profiles.active().wire.envelope
        response = (renderer_context or {}).get("response")
        if envelope and data is not None and response is not None and response.status_code < 400:
            data = {envelope: data}
        return super().render(data, accepted_media_type, renderer_context)


class AlwaysJson(DefaultContentNegotiation):
    """Uses the view's first renderer for every Accept header, so that a 406 never replaces an error."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        first = next(iter(renderers))
        return first, first.media_type
