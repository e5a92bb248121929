"""The changes to the shipped configurations that docs/how-to shows as diffs, applied to them."""

import re

from tests.gateway.proxies.running import DOCUMENTED
from tests.installation import PROJECT

DIFF = re.compile(r"```diff\n--- (\S+)\n\+\+\+ (.+)\n((?:[ +@-].*\n)+)```")


def changed(file: str, title: str) -> str:
    """A file of docs/proxies/ after the diff with this title."""
    text = (DOCUMENTED / file).read_text()
    pages = "".join(path.read_text() for path in (PROJECT / "docs" / "how-to").glob("*.md"))
    (diff,) = [lines for name, of, lines in DIFF.findall(pages) if (name, of) == (file, title)]
    for hunk in diff.removeprefix("@@\n").split("@@\n"):
        lines = hunk.splitlines(keepends=True)
        old = "".join(line[1:] for line in lines if line[0] != "+")
        assert text.count(old) == 1, f"docs/how-to changes lines that {file} does not have:\n{old}"
        text = text.replace(old, "".join(line[1:] for line in lines if line[0] != "-"))
    return text
