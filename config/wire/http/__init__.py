"""Requests as HTTP knows them, before any document is read: addresses, methods, bodies in chunks."""
