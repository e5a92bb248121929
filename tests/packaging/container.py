"""The steps of deploy/docker/Dockerfile without a container engine, in mount namespaces of this machine.

The machine stands for the base image, with this Python in /usr/local. What the steps write lies in a folder
for each stage, and is mounted where a container has it. A container of the image sees all of it read-only,
has an empty /tmp, and runs without capabilities as the image's user.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.installation import PROJECT, Server, serving
from tests.packaging.dockerfile import Stage, assignments, command_of_run, stages

DOCKERFILE = PROJECT / "deploy" / "docker" / "Dockerfile"
# As in the base image, where the linker also looks for Python's library in /usr/local.
BASE = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LD_LIBRARY_PATH": "/usr/local/lib"}
Paths = Mapping[str, Path]
Texts = Mapping[str, str]
NOTHING: Mapping[str, Any] = {}
NAMESPACE = ["unshare", "--mount", "--propagation", "private", "sh", "-ec"]
# $1: the folder of the stage, $2: this Python, $3: where to begin.
BUILD = """
mount --bind "$2" /usr/local
for folder in opt usr/src var/lib; do mount --bind "$1/$folder" "/$folder"; done
mount -t tmpfs tmpfs /tmp
cd "$3"; shift 3; exec "$@"
"""
# And $4: the user, $5: the data, which alone can be written, then pairs of a path and its place below /run.
RUN = """
place=$3; user=$4
mount --bind "$2" /usr/local
for folder in opt var/lib; do mount --bind "$1/$folder" "/$folder"; done
mount --bind "$5" /var/lib/keyhouse; shift 5
mount -t tmpfs tmpfs /run
while [ "$1" != -- ]; do
    if [ -d "$1" ]; then mkdir -p "$2"; else mkdir -p "$(dirname "$2")"; touch "$2"; fi
    mount --bind "$1" "$2"; shift 2
done
mount -t tmpfs tmpfs /tmp
for folder in / /usr/local /opt /var/lib /run; do mount -o remount,bind,ro "$folder"; done
cd "$place"; shift
exec setpriv --reuid "${user%:*}" --regid "${user#*:}" --clear-groups --no-new-privs --inh-caps=-all \
    --bounding-set=-all "$@"
"""


@dataclass
class Image:
    """What a stage has built, and how containers of it run."""

    folder: Path
    stage: Stage
    environment: dict[str, str] = field(default_factory=BASE.copy)
    place: str = "/"
    user: str = "0:0"
    data: Path | None = None

    def with_volume(self, folder: Path) -> "Image":
        """Return the image with an empty volume for its data, which belongs to the image's user."""
        original = self.at("/var/lib/keyhouse").stat()
        folder.mkdir()
        folder.chmod(original.st_mode)
        os.chown(folder, original.st_uid, original.st_gid)
        return replace(self, data=folder)

    def at(self, path: str) -> Path:
        """Return where a path of the image lies on this machine."""
        return self.folder / path.lstrip("/")

    def command(self, mounts: Paths, *arguments: str) -> list[str]:
        """Return the command line that runs `arguments` in a container with `mounts` below /run."""
        pairs = [text for place, path in mounts.items() for text in (str(path), place)]
        assert self.data, "no volume"
        where = [str(self.folder), sys.base_prefix, self.place, self.user, str(self.data)]
        return [*NAMESPACE, RUN, "sh", *where, *pairs, "--", *arguments]

    def run(
        self, *arguments: str, mounts: Paths = NOTHING, settings: Texts = NOTHING
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command in a container to its end."""
        return subprocess.run(
            self.command(mounts, *arguments),
            env={**self.environment, **settings},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def keyhouse(
        self, *arguments: str, mounts: Paths = NOTHING, settings: Texts = NOTHING
    ) -> "subprocess.CompletedProcess[str]":
        """Run the entry point with `arguments`, as `docker run IMAGE arguments` does."""
        return self.run(*self.stage.settings["ENTRYPOINT"], *arguments, mounts=mounts, settings=settings)

    @contextmanager
    def serve(self, port: int, mounts: Paths = NOTHING, *, settings: Texts) -> Iterator[Server]:
        """Run the entry point with its own arguments until the block ends."""
        command = self.command(mounts, *self.stage.settings["ENTRYPOINT"], *self.stage.settings["CMD"])
        with serving(command, port, {**self.environment, **settings}) as server:
            yield server


def build(folder: Path) -> Image:
    """Follow the steps of the Dockerfile, and return the image of its last stage."""
    built: dict[str, Image] = {}
    for stage in stages(DOCKERFILE):
        image = Image(folder / (stage.name or "last"), stage)
        for name in ("opt", "usr/src", "var/lib"):
            image.at(name).mkdir(parents=True)
        for instruction, words in stage.steps:
            _follow(image, instruction, words, built)
        built[stage.name] = image
    return image


def _follow(image: Image, instruction: str, words: str, built: dict[str, Image]) -> None:
    match instruction:
        case "ARG" | "ENV":
            image.environment |= assignments(words)
        case "WORKDIR":
            image.place = words
            image.at(words).mkdir(parents=True, exist_ok=True)
        case "USER":
            image.user = words
        case "COPY":
            _copy(image, words.split(), built)
        case "RUN":
            where = [str(image.folder), sys.base_prefix, image.place]
            command = [*NAMESPACE, BUILD, "sh", *where, "sh", "-ec", command_of_run(words)]
            environment = os.environ | image.environment  # this machine's says where pip finds its index
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
            assert done.returncode == 0, done.stderr
        case _:
            raise AssertionError(f"nothing here does what {instruction} does")


def _copy(image: Image, words: list[str], built: dict[str, Image]) -> None:
    *sources, target = words
    if sources[0].startswith("--from="):
        other, source = built[sources[0].removeprefix("--from=")], sources[1]
        shutil.copytree(other.at(source), image.at(target), symlinks=True, copy_function=os.link)
        return
    into = image.at(image.place) / target
    for name in context() if sources == ["."] else sources:
        if (PROJECT / name).is_dir():
            shutil.copytree(PROJECT / name, into / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(PROJECT / name, into / name)


def context() -> list[str]:
    """Return what the .dockerignore file lets through."""
    lines = DOCKERFILE.with_name("Dockerfile.dockerignore").read_text().splitlines()
    return [line[1:] for line in lines if line.startswith("!")]
