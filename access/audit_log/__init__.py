"""The audit log to look at: in the admin and at its endpoint."""
