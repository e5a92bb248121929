"""Leaked keys: takes reports, stops the keys, and searches files for keys."""
