"""Files of other projects lie here unchanged, with their licence."""

from hashlib import sha256

import pytest

from tests.installation import PROJECT

pytestmark = pytest.mark.once

VENDOR = PROJECT / "config" / "static" / "vendor"
UNCHANGED = {
    # @picocss/pico 2.1.1, css/pico.min.css
    "pico/pico.min.css": "fbc9a63fc9fc9f72d12fd7fc9806e11fa9f77ae4f9cad146b27003a1119ba3db",
}


def test_vendored_files_are_the_published_ones() -> None:
    found = {str(path.relative_to(VENDOR)) for path in VENDOR.rglob("*") if path.is_file()}
    assert found == UNCHANGED.keys() | {"pico/LICENSE.md"}
    for name, digest in UNCHANGED.items():
        assert sha256((VENDOR / name).read_bytes()).hexdigest() == digest
