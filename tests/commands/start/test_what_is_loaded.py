"""Commands load what they need: the import of pages would be a quarter of their start."""

import pytest

from tests.installation import Installation

WHAT_IS_LOADED = """
import sys
from django.contrib import admin
from django.core.checks import run_checks
from accounts.models import User

print([name for name in ("apikeys.admin", "apikeys.views", "drf_spectacular.openapi") if name in sys.modules])
run_checks(tags=["admin"])
print(admin.site.is_registered(User))
"""


@pytest.mark.once
def test_commands_load_no_pages_and_the_checks_of_the_admin_load_its_pages(
    installation: Installation,
) -> None:
    done = installation.manage("shell", "--no-imports", "-c", WHAT_IS_LOADED)
    assert (done.stdout, done.stderr) == ("[]\nTrue\n", "")
