"""Checks that the profile's wire table names only members and resources that exist."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from django.urls import get_resolver

from config import profiles
from config.wire import ids
from config.wire import members as wire_members


class WireFault(NamedTuple):
    """A wrong member of the profile's wire table, and what is wrong."""

    member: str
    reason: str


class Shape(NamedTuple):
    """A serializer of a resource, and its canonical members."""

    serializer: type[wire_members.WireSerializer]
    members: Mapping[str, Any]

    @property
    def resource(self) -> str:
        return self.serializer.resource


def faults() -> list[WireFault]:
    """Return the faults of the active profile's names, members and id_prefixes."""
    shapes = [Shape(each, each().declared()) for each in _serializers()]
    return [
        *_unknown_names(shapes),
        *_unknown_members(shapes),
        *_unknown_ids(shapes),
        *_clashes(shapes),
    ]


def _serializers() -> Iterator[type[wire_members.WireSerializer]]:
    """Yield every serializer class with a resource, after loading the URL configuration."""
    _ = get_resolver().url_patterns
    waiting: list[type[wire_members.WireSerializer]] = [wire_members.WireSerializer]
    while waiting:
        found = waiting.pop()
        waiting += found.__subclasses__()
        if hasattr(found, "resource"):
            yield found


def _unknown_names(shapes: list[Shape]) -> Iterator[WireFault]:
    known = {member for each in shapes for member in each.members}
    known |= {f"{each.resource}.{member}" for each in shapes for member in each.members}
    for name in profiles.active().wire.names:
        if name not in known:
            yield WireFault(f"wire.names.{name}", "is not a member of any resource")


def _unknown_members(shapes: list[Shape]) -> Iterator[WireFault]:
    answers = [each for each in shapes if not issubclass(each.serializer, wire_members.RequestSerializer)]
    for resource, members in profiles.active().wire.members.items():
        of_resource = [each for each in answers if each.resource == resource]
        if not of_resource:
            known = ", ".join(sorted({each.resource for each in answers}))
            yield WireFault(f"wire.members.{resource}", f"is not a resource; the resources are: {known}")
        for member in members:
            lacking = [each for each in of_resource if member not in each.members]
            if lacking:
                known = ", ".join(lacking[0].members)
                yield WireFault(
                    f"wire.members.{resource}", f"{member!r} is not a member; the members are: {known}"
                )


def _unknown_ids(shapes: list[Shape]) -> Iterator[WireFault]:
    fields = [field for each in shapes for field in each.members.values()]
    known = {field.resource for field in fields if isinstance(field, ids.IdField)}
    for resource in profiles.active().wire.id_prefixes:
        if resource not in known:
            words = ", ".join(sorted(known))
            yield WireFault(f"wire.id_prefixes.{resource}", f"is not a resource; the resources are: {words}")


def _clashes(shapes: list[Shape]) -> Iterator[WireFault]:
    """Yield a fault for two members of a resource with the same name: one would be lost."""
    for each in shapes:
        spelled: dict[str, str] = {}
        for member in each.members:
            other = spelled.setdefault(wire_members.external_name(each.resource, member), member)
            if other != member:
                reason = f"{each.resource}.{other} and {each.resource}.{member} would have the same name"
                yield WireFault("wire.names", reason)
