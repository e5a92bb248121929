"""The bar that shows an operator how far a command is."""

import io
import sys

import pytest

from config.commands.terminal import progress_bar


class Terminal(io.StringIO):
    """Standard error of an operator at a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("total", "shown"), [(3, "2/3"), (None, "2/?")])
def test_a_terminal_shows_how_many_are_done(
    monkeypatch: pytest.MonkeyPatch, total: int | None, shown: str
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress_bar("importing knox", total, quiet=False) as tell:
        tell(2)
    assert "importing knox" in terminal.getvalue() and shown in terminal.getvalue()


def test_a_pipe_and_json_show_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, quiet in ((io.StringIO(), False), (Terminal(), True)):
        monkeypatch.setattr(sys, "stderr", stream)
        with progress_bar("importing knox", 3, quiet=quiet) as tell:
            tell(2)
        assert stream.getvalue() == ""
