"""The commands of a page of the documentation, typed into terminals as the page says.

A block of commands is ```console with lines that begin with `$ ` and, below each, what it shows. Blocks with
the same title share a terminal. The last command of a block whose title says "leave it running" does not end.
"""

import os
import queue
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.gateway.proxies.running import PLACES
from tests.installation import PROJECT, START_SECONDS, free_port

BLOCK = re.compile(r'^```console(?: title="([^"]*)")?\n(.*?)^```$', re.DOTALL | re.MULTILINE)
UUID = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
KEY = r"kh_live_\w{36}"
VARYING = re.compile(f"({UUID}|{KEY}|…)")
ENDED = "@@ ended with"
PORTS = ("8000", "8080", "9000")  # of Keyhouse, the proxy and the service, on all pages


@dataclass
class Step:
    """A command, and the lines that the page shows below it: some of what it prints, in their order."""

    command: str
    shown: list[str] = field(default_factory=list)


@dataclass
class Block:
    """Commands that are typed into one terminal."""

    title: str
    steps: list[Step]

    @property
    def is_left_running(self) -> bool:
        return "leave it running" in self.title

    @property
    def terminal(self) -> str:
        return self.title.partition(":")[0]


def page(path: str) -> str:
    """The text of a page."""
    return (PROJECT / path).read_text()


def blocks_of(page: str) -> list[Block]:
    """The blocks of commands of a page."""
    return [Block(title, steps_of(text)) for title, text in BLOCK.findall(page)]


def steps_of(text: str) -> list[Step]:
    steps: list[Step] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            steps.append(Step(line[2:]))
        elif line.startswith("> "):
            steps[-1].command += f"\n{line[2:]}"
        elif line:
            steps[-1].shown.append(line)
    return steps


def pattern(line: str) -> re.Pattern[str]:
    """What a shown line stands for: ids and keys are others each time, and … is anything."""
    return re.compile("".join(map(_pattern, VARYING.split(line))))


def _pattern(part: str) -> str:
    if part == "…":
        return ".*"
    return next((kind for kind in (UUID, KEY) if re.fullmatch(kind, part)), re.escape(part))


class Terminal:
    """A shell that reads what is typed, and what it has printed."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.shell = subprocess.Popen(
            ["bash", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
        self.lines: queue.Queue[str] = queue.Queue()
        self.printed: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()

    def run(self, step: Step) -> None:
        """Type a command and return when it has ended well and has shown what the page shows."""
        self._type(f"{{ {step.command}\n}} </dev/null\necho; echo {ENDED} $?")
        self.finish(step)

    def finish(self, step: Step) -> None:
        """Return when a command that was typed has ended well and has shown what the page shows."""
        printed = self._until(ENDED)
        assert printed[-1] == f"{ENDED} 0", self._story(step)
        rest = iter(printed)
        for line in step.shown:
            assert any(pattern(line).fullmatch(each) for each in rest), f"{line!r}: {self._story(step)}"

    def start(self, step: Step) -> None:
        """Type a command that does not end, and return when it has shown what the page shows."""
        self._type(f"{{ {step.command}\n}} </dev/null\necho; echo {ENDED} $?")
        for line in step.shown:
            while not pattern(line).fullmatch(printed := self._next()):
                assert ENDED not in printed, self._story(step)

    def end(self) -> None:
        """End what runs in it."""
        os.killpg(self.shell.pid, signal.SIGTERM)
        self.shell.wait(timeout=60)

    def _type(self, text: str) -> None:
        assert self.shell.stdin is not None
        self.shell.stdin.write(f"{text}\n")
        self.shell.stdin.flush()

    def _read(self) -> None:
        assert self.shell.stdout is not None
        for line in self.shell.stdout:
            self.lines.put(line.rstrip("\n"))

    def _next(self) -> str:
        self.printed.append(self.lines.get(timeout=START_SECONDS))
        return self.printed[-1]

    def _until(self, word: str) -> list[str]:
        printed = [self._next()]
        while word not in printed[-1]:
            printed.append(self._next())
        return printed

    def _story(self, step: Step) -> str:
        return "\n".join([step.command, "printed", *self.printed])


def run_page(page: str, tree: Path, **variables: str) -> None:
    """Run all commands of a page in `tree`, on free ports instead of those that it names."""
    ports = {port: str(free_port()) for port in PORTS}
    for file in (tree / "docs" / "proxies").iterdir():
        file.write_text(with_ports(file.read_text(), ports))
    environment = {
        "PATH": PLACES,
        "HOME": str(tree.parent),
        "KEYHOUSE_BIND": f"127.0.0.1:{ports['8000']}",
        **variables,
    }
    terminals: dict[str, Terminal] = {}
    with ExitStack() as stack:
        for block in blocks_of(with_ports(page, ports)):
            if block.terminal not in terminals:
                terminals[block.terminal] = stack.enter_context(opened(tree, environment))
            run_block(block, terminals[block.terminal])


def run_block(block: Block, terminal: Terminal) -> None:
    *steps, last = block.steps
    for step in steps:
        terminal.run(step)
    if block.is_left_running:
        terminal.start(last)
    else:
        terminal.run(last)


def with_ports(text: str, ports: dict[str, str]) -> str:
    return re.sub(r"\b(?:8000|8080|9000)\b", lambda match: ports[match[0]], text)


@contextmanager
def opened(folder: Path, environment: dict[str, str]) -> Iterator[Terminal]:
    terminal = Terminal(folder, environment)
    try:
        yield terminal
    finally:
        terminal.end()
