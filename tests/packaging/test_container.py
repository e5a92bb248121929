"""The Dockerfile: what a linter says, and what may get into the image. test_runs.py follows its steps."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from config.program import VERSION
from tests.packaging import container
from tests.packaging.container import DOCKERFILE
from tests.packaging.dockerfile import instructions

pytestmark = pytest.mark.once


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, "--no-color", DOCKERFILE], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_build_takes_packages_by_their_hashes_alone() -> None:
    steps = [words.split("&&") for name, words in instructions(DOCKERFILE.read_text()) if name == "RUN"]
    installs = [step for each in steps for step in each if re.search("[ /]pip ", step)]
    assert len(installs) == 3
    assert all("--require-hashes" in step or "--no-deps" in step for step in installs)


def test_the_context_has_no_tests_and_no_data() -> None:
    assert {"config", "templates", "requirements.txt"} <= set(container.context())
    assert {"tests", "bench", "docs", "var", ".git"}.isdisjoint(container.context())


def test_every_image_has_the_version_of_the_program() -> None:
    texts = [path.read_text() for path in DOCKERFILE.parents[1].rglob("*") if path.is_file()]
    tags = [tag for text in texts for tag in re.findall(r"\bkeyhouse:(\d+\.\S+)", text)]
    assert len(tags) == 5 and set(tags) == {VERSION}
