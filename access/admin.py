"""What this app shows in the admin: the audit log."""

from access.audit_log import admin as _audit_log  # noqa: F401 (it registers itself)
