"""What the tables of a profile file share: their class, and the kinds of value that members hold."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Name = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_.:-]{0,63}\Z")]
Text = Annotated[str, Meta(min_length=1, max_length=200)]
Seconds = Annotated[int, Meta(ge=1, le=315_360_000)]  # ten years
Everything = Literal["*"]


def says(text: str) -> Meta:
    """Return the description of a member, in Markdown. The page of profile members shows it."""
    return Meta(description=text)


class Table(Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file: immutable, and an unknown member is an error."""
