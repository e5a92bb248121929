"""Finds keys by format and checksum, without the database. Writes rules for other scanners."""
