"""Tables: drawn in colour on a terminal, plain in a pipe."""

import io
import re
import sys

import pytest
from django.core.management import call_command

from access.principals import Caller
from apikeys.services.enabling import disable_api_keys
from config.commands import tables
from config.commands.tables import Table, lines
from tests.commands.helpers import output_of
from tests.conftest import Cast, make_key

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
GREEN, YELLOW = "\x1b[32m", "\x1b[33m"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal that is wide enough."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Terminal()


@pytest.fixture
def keys(cast: Cast, operator: Caller) -> list[str]:
    """The ids of an active and a disabled key."""
    made = [make_key(cast.alice, name=name).row for name in ("[red]one[/red]", "two")]
    disable_api_keys(caller=operator, selected=made[1:])
    return [str(row.uuid) for row in made]


def test_a_terminal_shows_statuses_in_colour(keys: list[str], shown: Terminal) -> None:
    call_command("listapikeys", stdout=shown)
    text = shown.getvalue()
    assert f"{GREEN}active" in text and f"{YELLOW}disabled" in text
    plain = ESCAPE.sub("", text)
    assert all(key in plain for key in keys)
    assert "[red]one[/red]" in plain  # a name is no markup


def test_no_color_turns_colours_off(
    keys: list[str], shown: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    call_command("listapikeys", stdout=shown)
    assert GREEN not in shown.getvalue() and keys[0] in shown.getvalue()


def test_ids_stay_whole_on_a_narrow_terminal(
    keys: list[str], shown: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    call_command("listapikeys", stdout=shown)
    assert all(key in shown.getvalue() for key in keys)


def test_a_terminal_is_told_that_a_list_is_empty(db: None, shown: Terminal) -> None:
    call_command("listapikeys", stdout=shown)
    assert ESCAPE.sub("", shown.getvalue()) == "No API keys.\n"


def test_a_pipe_gets_plain_columns_without_rich(keys: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich", None)  # an import of it fails
    monkeypatch.setitem(sys.modules, "rich.console", None)
    printed = output_of("listapikeys")
    assert "\x1b" not in printed
    assert printed.splitlines()[1].split()[:2] == [keys[1], "two"]


def test_with_json_a_terminal_gets_the_document_alone(keys: list[str], shown: Terminal) -> None:
    call_command("listapikeys", "--json", stdout=shown)
    assert shown.getvalue().startswith('[{"id": ') and shown.getvalue().endswith("}]\n")
    assert "\x1b" not in shown.getvalue()


def test_many_rows_are_shown_in_parts_below_one_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "PART", 2)
    rows = ((name, number) for number, name in enumerate(("a", "b", "a longer one"), start=1))
    assert list(lines(Table(("name", "n"), rows))) == ["name  n", "a     1", "b     2", "a longer one  3"]


def test_control_characters_do_not_reach_the_terminal(shown: Terminal) -> None:
    tables.write(Table(("name",), [("\x1b[2Jgone",)]), shown)
    assert "\x1b[2J" not in shown.getvalue() and r"\x1b[2Jgone" in shown.getvalue()
    assert list(lines(Table(("name",), [("a\nb",)])))[1] == r"a\nb"
