"""Passwords: what they must be, and how they are replaced."""
