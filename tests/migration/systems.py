"""Databases of other systems, with keys that the real packages minted (minted/README.md)."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

MINTED = Path(__file__).parent / "minted"
TABLES = {"drf-authtoken": "authtoken_token", "knox": "knox_authtoken"}
TABLES |= {"drf-api-key": "rest_framework_api_key_apikey"}


class System(NamedTuple):
    """A system's database, and the keys of alice and bob with the headers in which it takes them."""

    file: Path
    headers: list[dict[str, str]]

    @property
    def url(self) -> str:
        return f"sqlite:///{self.file}"

    @property
    def texts(self) -> list[str]:
        return [each["Authorization"].partition(" ")[2] for each in self.headers]

    def run(self, statement: str) -> None:
        """Change something in that system."""
        with closing(sqlite3.connect(self.file)) as database, database:
            database.execute(statement)


def minted(package: str, folder: Path) -> System:
    """The system of a package, as minted/PACKAGE.sql has it."""
    file = folder / f"{package}.sqlite3"
    with closing(sqlite3.connect(file)) as database, database:
        database.executescript((MINTED / f"{package}.sql").read_text())
    lines = (MINTED / f"{package}.keys").read_text().splitlines()
    pairs = (line.partition(": ") for line in lines)
    return System(file, [{name: value} for name, _, value in pairs])
