"""The changes to the shipped configurations that docs/gateway.md shows as diffs, applied to them."""

import re

from tests.gateway.proxies.running import DOCUMENTED
from tests.installation import PROJECT

DIFF = re.compile(r"```diff\n--- (\S+)\n\+\+\+ (.+)\n((?:[ +@-].*\n)+)```")


def changed(file: str, title: str) -> str:
    """A file of docs/proxies/ after the diff with this title."""
    text = (DOCUMENTED / file).read_text()
    page = (PROJECT / "docs" / "gateway.md").read_text()
    (diff,) = [lines for name, of, lines in DIFF.findall(page) if (name, of) == (file, title)]
    for hunk in diff.removeprefix("@@\n").split("@@\n"):
        lines = hunk.splitlines(keepends=True)
        old = "".join(line[1:] for line in lines if line[0] != "+")
        assert text.count(old) == 1, f"docs/gateway.md changes lines that {file} does not have:\n{old}"
        text = text.replace(old, "".join(line[1:] for line in lines if line[0] != "-"))
    return text
