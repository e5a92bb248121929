"""The tables and members of a profile file, from the schema that reads them."""

from collections.abc import Iterator
from typing import Any, get_args

import msgspec

from config.profiles.capabilities import Capability
from config.profiles.schema import ProfileFile, SecondPathHeader
from docs.building.markdown import code, table

Schema = dict[str, Any]
NAME = "NAME"  # stands for what the file calls it


def members() -> str:
    """Return one section for each table of a profile file."""
    schema = msgspec.json.schema(ProfileFile)
    tables = schema["$defs"]
    return "\n\n".join(
        _section(heading, tables[name])
        for heading, name in _tables(tables, tables[ProfileFile.__name__], path="")
    )


def _tables(tables: Schema, owner: Schema, path: str) -> Iterator[tuple[str, str]]:
    """The heading of each table below `owner`, and its name in the schema."""
    for member, value in owner["properties"].items():
        place = f"{path}{member}"
        for heading, reference in _references(place, value):
            if "properties" in tables[reference]:
                yield heading, reference
                yield from _tables(tables, tables[reference], f"{place}.")


def _references(place: str, value: Schema) -> Iterator[tuple[str, str]]:
    """What a member may hold that has members itself: a table, one for each name, or a list of them."""
    if "items" in value:
        yield from _references(f"[{place}]", value["items"])
    elif isinstance(value.get("additionalProperties"), dict):
        yield from _references(f"{place}.{NAME}", value["additionalProperties"])
    for option in value.get("anyOf", [value]):
        if "$ref" in option:
            yield f"[{place}]", option["$ref"].rpartition("/")[2]


def _section(heading: str, schema: Schema) -> str:
    rows = [
        [code(member), _kind(value), _default(member, value, schema), _description(heading, member, value)]
        for member, value in schema["properties"].items()
    ]
    heads = ["member", "value", "default", "what it is"]
    return f"## `{heading}`{_tag(schema)}\n\n{schema['description']}\n\n{table(heads, rows)}"


def _tag(schema: Schema) -> str:
    """What tells a table from another one of the same name."""
    kind = schema["properties"].get("kind")
    return f" of kind `{kind['enum'][0]}`" if kind else ""


def _description(heading: str, member: str, value: Schema) -> str:
    if member == "kind":
        return "Which kind of attribute it is."
    if "description" not in value:
        raise ValueError(f"config/profiles does not say what {member} of {heading} is")
    return str(value["description"])


def _default(member: str, value: Schema, schema: Schema) -> str:
    if member in schema.get("required", []):
        return "must be given"
    default = value.get("default")
    if default in (None, "", (), [], {}):
        return ""
    return code(str(default).lower() if isinstance(default, bool) else default)


def _kind(value: Schema) -> str:
    """What may stand there, in words."""
    if "anyOf" in value:
        return " or ".join(_kind(option) for option in value["anyOf"] if option.get("type") != "null")
    if "$ref" in value:
        return _kind_of_reference(value["$ref"].rpartition("/")[2])
    if "enum" in value:
        return ", ".join(code(choice) for choice in value["enum"])
    match value["type"]:
        case "integer":
            return _number(value)
        case "array":
            return f"list of {_kind(value['items'])}"
        case "object":
            return f"table, by name, of {_kind(value['additionalProperties'])}"
        case kind:
            return str(kind)


def _kind_of_reference(name: str) -> str:
    return "[capabilities](#capabilities)" if name == "Capability" else "tables"


def _number(value: Schema) -> str:
    least, most = value["minimum"], value.get("maximum")
    return f"number from {least} to {most:,}" if most is not None else f"number, {least} or more"


def capabilities() -> str:
    """Return the capabilities as a list."""
    return "\n".join(f"- {code(capability)}" for capability in Capability)


def second_path_headers() -> str:
    """Return the headers that may name a second path as a list."""
    return "\n".join(f"- {code(header)}" for header in get_args(SecondPathHeader))
