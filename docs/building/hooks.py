"""What MkDocs calls while it builds the documentation.

A page says `<!-- generated: NAME -->` where a table from the code belongs.
"""

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from docs.building import addresses, project

log = logging.getLogger("mkdocs.plugins.keyhouse")  # a warning there fails a strict build
MARKER = re.compile(r"^<!-- generated: (\w+) -->$", re.MULTILINE)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put what is generated in the place of its marker."""
    return MARKER.sub(lambda match: generators()[match[1]](), markdown)


def generators() -> dict[str, Callable[[], str]]:
    """Return what can be generated, by its name in a marker."""
    project.set_up()
    from docs.building import api, commands, errors, events, metrics, profile, settings

    return {
        "variables": settings.variables,
        "limits": settings.limits,
        "members": profile.members,
        "capabilities": profile.capabilities,
        "second_path_headers": profile.second_path_headers,
        "commands": commands.commands,
        "operations": api.operations,
        "events": events.events,
        "errors": errors.errors,
        "metrics": metrics.metrics,
    }


def on_post_page(output: str, *, page: Any, **_: Any) -> str:
    """Fail the build if a page would load something from another host."""
    for address in addresses.foreign_in_page(output):
        log.warning("%s loads %s", page.file.src_uri, address)
    return output


def on_post_build(*, config: Any, **_: Any) -> None:
    """The same for styles."""
    for path in Path(config["site_dir"]).rglob("*.css"):
        for address in addresses.foreign_in_style(path.read_text(encoding="utf-8")):
            log.warning("%s loads %s", path.name, address)
