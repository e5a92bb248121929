"""./run translations: writes new texts into the catalogues, and compiles them. Needs gettext's programs."""

import subprocess
from collections.abc import Iterable

import django

from tests.translation.catalogue import LOCALE
from tests.translation.marked import Marked, marked

HEADER = r"""msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"
"""


def main() -> None:
    django.setup()
    for folder in sorted(LOCALE.glob("*/LC_MESSAGES")):
        template, written, compiled = folder / "new.pot", folder / "django.po", folder / "django.mo"
        template.write_text(_template(marked()), "utf-8")
        options = (
            "--quiet",
            "--update",
            "--backup=none",
            "--no-fuzzy-matching",
            "--no-wrap",
            "--sort-output",
        )
        _run("msgmerge", *options, str(written), str(template))
        _run("msgattrib", "--no-obsolete", "--no-wrap", "--output-file", str(written), str(written))
        _run("msgfmt", "--check", "--output-file", str(compiled), str(written))
        template.unlink()


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


def _template(texts: Iterable[Marked]) -> str:
    return "\n".join([HEADER, *(_entry(each) for each in sorted(texts))])


def _entry(text: Marked) -> str:
    if not text.many:
        return f'msgid {_quoted(text.one)}\nmsgstr ""\n'
    return f'msgid {_quoted(text.one)}\nmsgid_plural {_quoted(text.many)}\nmsgstr[0] ""\nmsgstr[1] ""\n'


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


if __name__ == "__main__":
    main()
