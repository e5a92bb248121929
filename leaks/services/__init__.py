"""Services that take reports of leaked keys, and stop the keys that they name."""
