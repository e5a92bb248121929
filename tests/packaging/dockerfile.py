"""Reads a Dockerfile: the instructions that ours uses, and no others."""

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

ENDS_NOTHING = {"EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"}  # instructions that build nothing


@dataclass
class Stage:
    """One FROM and what follows it: what is built, and how a container of it runs."""

    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)
    settings: dict[str, list[str]] = field(default_factory=dict)  # the JSON arrays of ENTRYPOINT, CMD, …


def stages(path: Path) -> list[Stage]:
    """Return the stages of a Dockerfile."""
    found: list[Stage] = []
    for instruction, words in instructions(path.read_text()):
        if instruction == "FROM":
            found.append(Stage(words.partition(" AS ")[2]))
        elif not found:
            assert instruction == "ARG", f"{instruction} before FROM"
        elif instruction in ENDS_NOTHING:
            found[-1].settings[instruction] = _array(words)
        else:
            found[-1].steps.append((instruction, words))
    return found


def instructions(text: str) -> list[tuple[str, str]]:
    """Return each instruction with its words, on one line."""
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    joined = re.sub(r"\\\n\s*", "", lines).splitlines()
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in joined if line]


def assignments(words: str) -> dict[str, str]:
    """Return what ENV or ARG sets."""
    return dict(word.split("=", 1) for word in shlex.split(words))


def command_of_run(words: str) -> str:
    """Return what the shell of a RUN runs. Its --mount options are for BuildKit."""
    return re.sub(r"^(--\S+ )+\s*", "", words)


def _array(words: str) -> list[str]:
    array = words[words.find("[") :] if "[" in words else "[]"
    return [str(word) for word in json.loads(array)]
