"""The audit log for other systems: events as JSON lines or OCSF, and signed checkpoints between them."""
