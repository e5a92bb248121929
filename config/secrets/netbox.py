"""Reads the peppers of a NetBox whose API tokens were imported."""

import json
from typing import Any

from config.env import ConfigurationError


def peppers(variable: str, text: str) -> dict[int, bytes]:
    """Read NetBox's API_TOKEN_PEPPERS as JSON, `{"1": "…"}`, into {number: secret}; {} if it is not set.

    Raises ConfigurationError, which names `variable` and never repeats the value.
    """
    try:
        found = json.loads(text or "{}")
        return {int(number): _secret(value) for number, value in found.items()}
    except (ValueError, AttributeError, TypeError):
        raise ConfigurationError(
            f'{variable}: must be API_TOKEN_PEPPERS of NetBox as JSON, such as {{"1": "…"}}'
        ) from None


def _secret(value: Any) -> bytes:
    if not isinstance(value, str) or not value:
        raise ValueError
    return value.encode()
