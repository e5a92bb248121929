"""Passwords: their rules, their hashes, and changing or resetting them."""
