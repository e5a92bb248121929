"""This app's admin pages: the audit log."""

from access.audit_log import admin as _audit_log  # noqa: F401 (the import registers it)
