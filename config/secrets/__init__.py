"""Secrets, key pairs and the texts of keys: made, kept, recognized."""
