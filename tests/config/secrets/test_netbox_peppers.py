"""Reading NetBox's peppers."""

import pytest

from config.env import ConfigurationError
from config.secrets.netbox import peppers


def test_they_are_written_as_netbox_has_them() -> None:
    text = '{"1": "a pepper, with: all \\" kinds", "32767": "π"}'
    assert peppers("X", text) == {1: b'a pepper, with: all " kinds', 32767: "π".encode()}
    assert peppers("X", "") == {}


@pytest.mark.parametrize("text", ["1:secret", "[]", '{"a": "secret"}', '{"1": 2}', '{"1": ""}', "{"])
def test_other_texts_are_refused_without_repeating_them(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        peppers("X", text)
    assert "X: must be API_TOKEN_PEPPERS" in str(caught.value) and "secret" not in str(caught.value)
