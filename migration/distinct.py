"""Counts different texts in little memory: SQLite keeps on the disk what does not fit."""

import sqlite3


class Distinct:
    """The texts met so far, by a hash of 64 bits that differs in every process."""

    def __init__(self) -> None:
        self._rows = sqlite3.connect("", isolation_level=None)  # "": a file that is deleted in the end
        self._rows.execute("PRAGMA journal_mode = OFF")
        self._rows.execute("CREATE TABLE met (hash INTEGER PRIMARY KEY)")
        self._rows.execute("BEGIN")

    def is_new(self, text: str) -> bool:
        """Whether the text was not met before; it counts as met from now on."""
        return self._rows.execute("INSERT OR IGNORE INTO met VALUES (?)", [hash(text)]).rowcount > 0

    def close(self) -> None:
        self._rows.close()
