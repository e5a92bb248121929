"""Bodies of reports, and what describes keys to scanners. GitHub's members are named as GitHub names them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from config.wire.members import RequestSerializer

MOST_TEXTS = 1_000


@extend_schema_field({"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MOST_TEXTS})
class TextsField(serializers.Field[Any, Any, Any, Any]):
    """A list of texts, read at once: one fault says what is wrong with it, wherever it is."""

    default_error_messages = {
        "invalid": "Send a list of texts.",
        "empty": "Send at least one text.",
        "too_many": f"Send at most {MOST_TEXTS:,} texts.",
    }

    def to_internal_value(self, data: Any) -> list[str]:
        if not isinstance(data, list) or not all(isinstance(text, str) for text in data):
            self.fail("invalid")
        if not data:
            self.fail("empty")
        if len(data) > MOST_TEXTS:
            self.fail("too_many")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class LeakReportRequest(RequestSerializer):
    resource = "leak_report"

    tokens = TextsField()


class GithubMatch(serializers.Serializer[Any]):
    token = serializers.CharField()
    type = serializers.CharField(required=False)
    url = serializers.CharField(required=False)
    source = serializers.CharField(required=False)  # type: ignore[assignment]


class GithubVerdict(serializers.Serializer[Any]):
    token_hash = serializers.CharField(help_text="the SHA-256 of the text, in hex")
    token_type = serializers.CharField()
    label = serializers.ChoiceField(choices=["true_positive", "false_positive"])  # type: ignore[assignment]


class KeyFormatMember(serializers.Serializer[Any]):
    environment = serializers.CharField()
    prefix = serializers.CharField()
    characters = serializers.CharField(help_text="those behind the prefix")
    length = serializers.IntegerField(help_text="how many characters stand behind the prefix")
    checksum = serializers.IntegerField(help_text="how many of them, at the end, are a CRC-32")
    pattern = serializers.CharField(help_text="in RE2 syntax")


class ScannerDocument(serializers.Serializer[Any]):
    product = serializers.CharField()
    report_url = serializers.CharField(help_text="where to report leaked keys")
    formats = KeyFormatMember(many=True)
    rules = serializers.DictField(child=serializers.CharField(), help_text="a rule file by scanner")
