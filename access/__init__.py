"""Who calls, and how long that may be trusted."""
