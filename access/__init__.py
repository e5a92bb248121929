"""Callers: who they are, what they may do, and how long a process may cache that."""
