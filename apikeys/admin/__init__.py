"""API keys in the admin."""

from apikeys.admin import keys as _keys  # noqa: F401 (the import registers it)
from apikeys.admin import organizations as _organizations  # noqa: F401 (the import registers it)
