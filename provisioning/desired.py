"""What a file wants: organizations with what is in them, and what is outside every one."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from accounts.users.names import clean_name, fold
from config.env import reason
from config.wire.quoting import shown
from provisioning.documents import LARGEST_FILE, Unreadable, parse
from provisioning.kinds import kinds
from provisioning.kinds.base import Wanted, members_of, read_section
from provisioning.kinds.quotas import PlannedQuota, read_quota
from provisioning.members import Broken, Faults, Members, as_members

OF_ORGANIZATION = ("renamed_from", "requires_second_factor", "quota", "absent")
Sections = Mapping[str, tuple[Wanted, ...]]  # a section that the file does not have is missing


@dataclass(frozen=True)
class WantedOrganization(Wanted):
    """An organization as the file describes it. None leaves `requires_second_factor` or `quota` alone."""

    renamed_from: str
    requires_second_factor: bool | None
    quota: PlannedQuota | None
    absent: bool
    sections: Sections

    @property
    def key(self) -> str:
        return fold(self.name)


@dataclass(frozen=True)
class Desired:
    """Everything that a file wants."""

    file: str
    organizations: tuple[WantedOrganization, ...]
    outside: Sections


def read_file(path: str) -> Desired:
    """Return what the file wants. Raises Broken, with all faults that were found."""
    faults = Faults(path)
    try:
        with Path(path).open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
        document = parse(data)
    except OSError as error:
        raise Broken([f"{path}: cannot be read: {reason(error)}"]) from None
    except Unreadable as error:
        faults.add(error.line, "", error.reason)
        raise Broken(faults.found) from None
    if document is None:
        raise Broken([f"{path}: is empty; to say that nothing is wanted, write organizations: {{}}"])
    top = as_members(document, "", faults)
    faults.check()
    assert top is not None  # noqa: S101 (else there is a fault)
    desired = _read(path, top, faults)
    faults.check()
    return desired


def _read(path: str, top: Members, faults: Faults) -> Desired:
    outside = kinds(outside=True)
    top.check_known(("organizations", *(kind.section for kind in outside)))
    section = top.of("organizations")
    found: dict[str, WantedOrganization] = {}
    for name, node, line in section.each() if section else ():
        members = members_of(name, node, section) if section else None
        if section is None or members is None:
            continue
        wanted = _organization(name, line, section, members)
        if wanted.key in found:
            section.faults.add(
                line, section.path, f"{shown(name)} is the same as line {found[wanted.key].line}"
            )
        found[wanted.key] = wanted
    _check_renamed(found, faults)
    return Desired(path, tuple(found.values()), _sections(top, outside=True))


def _check_renamed(found: Mapping[str, WantedOrganization], faults: Faults) -> None:
    """Note organizations that are to become one that the file describes, or of which two come of one."""
    earlier: dict[str, WantedOrganization] = {}
    for wanted in found.values():
        before = fold(wanted.renamed_from)
        other = found.get(before) or earlier.get(before)
        if before and other and other is not wanted:
            faults.add(
                wanted.line,
                f"organizations.{shown(wanted.name)}",
                f"renamed_from is also what line {other.line} is about; describe it once",
            )
        earlier[before] = wanted


def _organization(name: str, line: int, section: Members, members: Members) -> WantedOrganization:
    known = tuple(kind.section for kind in kinds())
    members.check_known((*OF_ORGANIZATION, *known))
    is_absent = bool(members.flag("absent"))
    for other in members.node.members if is_absent else ():
        if other != "absent":
            members.faults.add(members.line(other), members.path, f"{other} must be left out beside absent")
    earlier = members.text("renamed_from") or ""
    return WantedOrganization(
        name=section.cleaned(name, lambda: clean_name("name", name), name),
        line=line,
        renamed_from=earlier and members.cleaned("renamed_from", lambda: clean_name("name", earlier), ""),
        requires_second_factor=members.flag("requires_second_factor"),
        quota=read_quota(members) if "quota" in members.node.members else None,
        absent=is_absent,
        sections=_sections(members),
    )


def _sections(members: Members, *, outside: bool = False) -> Sections:
    read = ((kind.section, read_section(kind, members)) for kind in kinds(outside=outside))
    return {section: wanted for section, wanted in read if wanted is not None}
