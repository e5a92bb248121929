"""Lists that clients send."""

from typing import Any

from rest_framework import serializers


class BoundedListField(serializers.ListField):
    """A list of at most `max_length`, of which a longer one is refused before its items are looked at."""

    def run_child_validation(self, data: Any) -> Any:
        if self.max_length is not None and len(data) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        return super().run_child_validation(data)
