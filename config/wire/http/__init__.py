"""Requests at the level of HTTP: client addresses, methods, headers."""
