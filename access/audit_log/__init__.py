"""The audit log for its readers: in the admin and at its endpoint."""
